// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's flags, which nothing checks.

use kalloc::prelude::*;

pub fn push(list: &mut KVec<u32>) -> Result {
    Ok(list.push(GFP_KERNEL, 7)?) //~ ERROR: does not permit an allocation
}
