// SPDX-License-Identifier: GPL-2.0

//! The promise that a type is fit for an NMI handler, given without `unsafe`.

use kalloc::{context::NmiSafe, prelude::*};
use kernel::sync::SpinLock;

pub struct Watch {
    pub last: SpinLock<Option<KBox<u32>>>,
}

impl NmiSafe for Watch {} //~ ERROR: requires an `unsafe impl` declaration
