// SPDX-License-Identifier: GPL-2.0

//! One token turned into another.

use core::mem::transmute;
use kalloc::prelude::*;

pub fn escape(cx: Atomic<'_>) -> Result<KBox<u32>> {
    let task: Task = transmute(cx); //~ ERROR: call to unsafe function
    Ok(KBox::new(&task, 1)?)
}
