// SPDX-License-Identifier: GPL-2.0

//! An order that nobody has compared with the largest.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx, order: u32) -> Result {
    Pages::zeroed(task, order)?;
    //~^ ERROR: is not an order of pages
    //~| ERROR: is not an order of pages
    //~| ERROR: is not an order of pages
    Ok(())
}
