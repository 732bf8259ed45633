// SPDX-License-Identifier: GPL-2.0

//! A vector that grows without a grant.

use kalloc::prelude::*;

pub fn push(list: &mut KVec<u32>) -> Result {
    Ok(list.push(7)?) //~ ERROR: does not permit an allocation
    //~^ ERROR: takes 2 arguments
}
