// SPDX-License-Identifier: GPL-2.0

//! Who has freed the value has it no more.

use kalloc::prelude::*;

pub fn free(task: &TaskCx, value: RcuBox<u32>) -> u32 {
    value.free(task);
    *value //~ ERROR: borrow of moved value
}
