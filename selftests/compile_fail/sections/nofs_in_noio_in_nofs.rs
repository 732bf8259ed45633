// SPDX-License-Identifier: GPL-2.0

//! The flags of the scope around, in the scope inside.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.nofs(|cx| cx.noio(|cx| Ok(KBox::new(cx.with(GFP_NOFS), 1)?))) //~ ERROR: may sleep
}
