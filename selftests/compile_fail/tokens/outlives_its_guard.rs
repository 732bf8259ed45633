// SPDX-License-Identifier: GPL-2.0

//! The token of a section, used after the section.

use kalloc::prelude::*;

pub fn escape(task: &mut TaskCx) -> Result<KBox<u32>> {
    section!(section = task, memalloc_nofs_save());
    let cx = section.cx();
    section.end(); //~ ERROR: cannot move out of `section` because it is borrowed
    Ok(KBox::new(&cx, 1)?)
}
