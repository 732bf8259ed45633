// SPDX-License-Identifier: GPL-2.0

//! Outside the read side there is nothing to read.

use kalloc::prelude::*;

pub fn read(cell: &RcuCell<u32>) -> Option<&u32> {
    cell.load() //~ ERROR: this method takes 1 argument
}
