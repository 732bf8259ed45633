// SPDX-License-Identifier: GPL-2.0

//! Unmapping may take a `spinlock_t`, which sleeps on PREEMPT_RT.

//@only-target: rt

use kalloc::dma::{CpuOwned, DeviceOwned, FromDevice, Quiesce, SgTable, Streaming};
use kalloc::prelude::*;

pub fn segments(task: &mut TaskCx, table: SgTable<'_, VBox<[u8]>, FromDevice, CpuOwned>) {
    task.irqs_off(|cx| drop(table.unmap(cx))); //~ ERROR: no allocator may be called
}

pub fn mapped(task: &mut TaskCx, buffer: Streaming<'_, KBox<[u8]>, FromDevice>) {
    task.irqs_off(|cx| drop(buffer.unmap(cx))); //~ ERROR: no allocator may be called
}

pub fn device(
    task: &mut TaskCx,
    buffer: Streaming<'_, KBox<[u8]>, FromDevice, DeviceOwned>,
    quiesce: &mut impl Quiesce,
) {
    task.irqs_off(|cx| drop(buffer.unmap(cx, quiesce))); //~ ERROR: no allocator may be called
}
