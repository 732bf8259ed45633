// SPDX-License-Identifier: GPL-2.0

//! A box taken without a look at whether there is one, as `nofail` permits.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx) -> KBox<u32> {
    let Ok(memory) = KBox::new(task.with(GFP_KERNEL.retry_mayfail()), 7u32); //~ ERROR: refutable pattern
    memory
}
