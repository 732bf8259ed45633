// SPDX-License-Identifier: GPL-2.0

//! A promise of memory where nothing is reclaimed: the kernel warns.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> KBox<u32> {
    task.noreclaim(|cx| {
        let Ok(number) = KBox::new(cx.with(GFP_NOIO.nofail()), 1); //~ ERROR: is in a no-reclaim scope
        number
    })
}
