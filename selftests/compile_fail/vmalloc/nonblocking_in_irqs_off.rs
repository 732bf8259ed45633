// SPDX-License-Identifier: GPL-2.0

//! vmalloc with interrupts off.

//@ignore-target: rt

use kalloc::prelude::*;

pub fn allocate(task: &mut TaskCx) -> Result<KVBox<[u8; 10000]>> {
    task.irqs_off(|cx| Ok(KVBox::zeroed_nonblocking(&cx)?)) //~ ERROR: cannot be called in an interrupt
}
