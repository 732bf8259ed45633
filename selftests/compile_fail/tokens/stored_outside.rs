// SPDX-License-Identifier: GPL-2.0

//! The token of a section, stored in a variable outside of it.

use kalloc::prelude::*;

pub fn escape(task: &mut TaskCx) -> Result<KBox<u32>> {
    let mut outside = None;
    //~vv ERROR: escapes
    //~v ERROR: escapes
    task.rcu_read(|_guard, cx| outside = Some(cx));
    Ok(KBox::new(&outside.unwrap(), 1)?)
}
