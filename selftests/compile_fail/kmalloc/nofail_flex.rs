// SPDX-License-Identifier: GPL-2.0

//! A promise of memory for a length that could be any.

use kalloc::{prelude::*, size::Flex};

pub fn allocate(task: &TaskCx, len: usize) -> KBox<Flex<u32, [u8]>> {
    let Ok(flex) = Flex::new(task.with(GFP_KERNEL.nofail()), 7, len, |_| 0); //~ ERROR: cannot guarantee
    flex
}
