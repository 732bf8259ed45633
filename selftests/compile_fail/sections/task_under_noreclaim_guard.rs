// SPDX-License-Identifier: GPL-2.0

//! Process context used in a scope that does not reclaim and that a guard holds.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    section!(_held = task, memalloc_noreclaim_save());
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
