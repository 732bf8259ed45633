// SPDX-License-Identifier: GPL-2.0

//! The form that may sleep, where code must not; elsewhere drop it.

use kalloc::prelude::*;

pub fn free(cx: &AtomicCx<'_>, value: RcuBox<u32>) {
    value.free(cx); //~ ERROR: this may sleep
}
