// SPDX-License-Identifier: GPL-2.0

//! A grant of one's own.

use kalloc::prelude::*;

#[derive(Clone, Copy)]
pub struct Mine;

//~v ERROR: Sealed
impl Grant for Mine {
    type Flags = GfpKernel;
    type Context = TaskCx;
}
