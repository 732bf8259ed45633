// SPDX-License-Identifier: GPL-2.0

//! An allocation without a context.

use kalloc::prelude::*;

pub fn allocate() -> Result<KBox<u32>> {
    //~vvv ERROR: takes 2 arguments but 1 argument was supplied
    //~vv ERROR: does not permit an allocation
    //~v ERROR: does not permit an allocation
    Ok(KBox::new(7u32)?)
}
