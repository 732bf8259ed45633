// SPDX-License-Identifier: GPL-2.0

//! A grant of one's own.

use kalloc::prelude::*;

#[derive(Clone, Copy)]
pub struct Mine;

impl Grant for Mine { //~ ERROR: Sealed
    type Flags = Kernel;
    type Context = Task;
}
