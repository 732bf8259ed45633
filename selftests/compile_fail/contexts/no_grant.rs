// SPDX-License-Identifier: GPL-2.0

//! An allocation without a context.

use kalloc::prelude::*;

pub fn allocate() -> Result<KBox<u32>> {
    Ok(KBox::new(7u32)?) //~ ERROR: takes 2 arguments but 1 argument was supplied
    //~^ ERROR: does not permit an allocation
    //~| ERROR: does not permit an allocation
}
