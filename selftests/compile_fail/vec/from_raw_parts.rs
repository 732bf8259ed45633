// SPDX-License-Identifier: GPL-2.0

//! Memory that nobody vouches for.

use kalloc::prelude::*;

pub fn misuse(elements: *mut u32) -> KVec<u32> {
    KVec::from_raw_parts(elements, 1, 1) //~ ERROR: unsafe
}
