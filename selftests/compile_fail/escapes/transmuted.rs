// SPDX-License-Identifier: GPL-2.0

//! One token turned into another.

use core::mem::transmute;
use kalloc::prelude::*;

pub fn escape(cx: AtomicCx<'_>) -> Result<KBox<u32>> {
    let task: TaskCx = transmute(cx); //~ ERROR: call to unsafe function
    Ok(KBox::new(&task, 1)?)
}
