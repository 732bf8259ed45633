// SPDX-License-Identifier: GPL-2.0

//! A usercopy window of another struct.

use kalloc::{prelude::*, slab::*};

pub struct One(pub u64);
pub struct Other {
    pub text: [u8; 64],
}

pub fn args() -> Args<'static, One> {
    Args::new(c"one").usercopy(kalloc::usercopy!(Other, text)) //~ ERROR: mismatched types
}
