// SPDX-License-Identifier: GPL-2.0

//! An allocation and a free that sleep, with a lock held.

use kalloc::dma::{Coherent, DmaDevice, DmaPool, Quiesce};
use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn allocate(task: &mut TaskCx, dma: DmaDevice<'_>, lock: &SpinLock<()>) {
    task.locked(lock, |_, cx| {
        let _ = Coherent::<u32>::zeroed(cx.with(GFP_KERNEL), dma); //~ ERROR: this may sleep
    });
}

pub fn free(
    task: &mut TaskCx,
    memory: Coherent<'_, u32>,
    quiesce: &mut impl Quiesce,
    lock: &SpinLock<()>,
) {
    let _ = task.locked(lock, |_, cx| memory.free(cx, quiesce)); //~ ERROR: this may sleep
}

pub fn create(task: &mut TaskCx, dma: DmaDevice<'_>, lock: &SpinLock<()>) {
    task.locked(lock, |_, cx| {
        let _ = DmaPool::<u32>::new(cx, dma, c"pool"); //~ ERROR: this may sleep
    });
}
