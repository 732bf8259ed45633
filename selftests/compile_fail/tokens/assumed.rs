// SPDX-License-Identifier: GPL-2.0

//! A claim of process context that nobody vouches for.

use kalloc::prelude::*;

pub fn escape(_cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    let task = TaskCx::assume(); //~ ERROR: requires unsafe
    Ok(KBox::new(&task, 1)?)
}
