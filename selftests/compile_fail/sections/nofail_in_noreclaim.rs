// SPDX-License-Identifier: GPL-2.0

//! A promise of memory where nothing is reclaimed: the kernel warns.

use kalloc::prelude::*;

pub fn section(task: &mut Task) -> KBox<u32> {
    task.noreclaim(|cx| {
        let Ok(number) = KBox::new(cx.with(GfpNoIo.nofail()), 1); //~ ERROR: nothing is reclaimed
        number
    })
}
