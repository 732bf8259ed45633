// SPDX-License-Identifier: GPL-2.0

//! Flags in place of a grant: nothing says that they are allowed here.

use kalloc::prelude::*;

pub fn allocate() -> Result<KBox<u32>> {
    //~vv ERROR: does not permit an allocation
    //~v ERROR: does not permit an allocation
    Ok(KBox::new(GfpKernel, 7u32)?)
}
