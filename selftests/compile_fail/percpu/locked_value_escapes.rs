// SPDX-License-Identifier: GPL-2.0

//! What a lock protects stays under it.

use kalloc::{percpu::LocalLock, prelude::*};

pub fn value<'a>(task: &mut TaskCx, list: &'a PerCpu<LocalLock<u32>>) -> &'a mut u32 {
    list.with(task, |number, _cx| number) //~ ERROR: lifetime may not live long enough
}
