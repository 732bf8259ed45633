// SPDX-License-Identifier: GPL-2.0

//! A context of one's own.

use kalloc::prelude::*;

pub struct Mine;

//~v ERROR: Sealed
impl Context for Mine {
    type AtomicCx<'a> = AtomicCx<'a>;
    type BhCx<'a> = BhCx<'a>;
    type IrqCx<'a> = IrqCx<'a>;
    type RawCx<'a> = RawCx<'a>;
}
