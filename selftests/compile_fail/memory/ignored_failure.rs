// SPDX-License-Identifier: GPL-2.0

//! A box taken without a look at whether there is one.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> u32 {
    *KBox::new(task, 7u32) //~ ERROR: cannot be dereferenced
}
