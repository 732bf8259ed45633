// SPDX-License-Identifier: GPL-2.0

//! The end of a section that nobody began.

use core::marker::PhantomData;
use kalloc::irq::IrqGuard;

pub fn escape() {
    drop(IrqGuard(0, PhantomData)) //~ ERROR: cannot initialize a tuple struct which contains private fields
}
