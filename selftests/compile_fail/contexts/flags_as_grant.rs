// SPDX-License-Identifier: GPL-2.0

//! Flags in place of a grant: nothing says that they are allowed here.

use kalloc::prelude::*;

pub fn allocate() -> Result<KBox<u32>> {
    Ok(KBox::new(Kernel, 7u32)?) //~ ERROR: does not permit an allocation
    //~^ ERROR: does not permit an allocation
}
