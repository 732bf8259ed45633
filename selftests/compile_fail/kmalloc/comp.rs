// SPDX-License-Identifier: GPL-2.0

//! A compound page is a matter of pages.

use kalloc::prelude::*;

pub fn allocate(task: &TaskCx) -> Result<KBox<[u64]>> {
    Ok(KBox::from_fn(task.with(GFP_KERNEL.comp()), 10, |_| 7)?) //~ ERROR: `Kmalloc` does not accept
}
