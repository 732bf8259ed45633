// SPDX-License-Identifier: GPL-2.0

//! Evidence of the read side, made of a guard of the kernel crate.

use kalloc::sync::ReadSide;
use kernel::sync::rcu;

pub fn escape() -> ReadSide {
    ReadSide(rcu::read_lock()) //~ ERROR: cannot initialize a tuple struct which contains private fields
}
