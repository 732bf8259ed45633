// SPDX-License-Identifier: GPL-2.0

//! A claim of process context that nobody vouches for.

use kalloc::prelude::*;

pub fn escape(_cx: &Atomic<'_>) -> Result<KBox<u32>> {
    let task = Task::assume(); //~ ERROR: requires unsafe
    Ok(KBox::new(&task, 1)?)
}
