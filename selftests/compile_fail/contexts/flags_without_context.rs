// SPDX-License-Identifier: GPL-2.0

//! Flags of the kernel crate in place of a grant.

use kalloc::prelude::*;

pub fn allocate() -> Result<KBox<u32>> {
    //~vv ERROR: does not permit an allocation
    //~v ERROR: does not permit an allocation
    Ok(KBox::new(GFP_KERNEL, 7u32)?)
}
