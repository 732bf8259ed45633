// SPDX-License-Identifier: GPL-2.0

//! A grant of a section, stored in a variable outside of it.

use kalloc::prelude::*;

pub fn escape(task: &mut TaskCx) -> Result<KBox<u32>> {
    let mut outside = None;
    //~vvv ERROR: escapes
    //~vv ERROR: escapes
    //~v ERROR: escapes
    task.nofs(|cx| outside = Some(cx.with(GFP_NOFS)));
    Ok(KBox::new(outside.unwrap(), 1)?)
}
