// SPDX-License-Identifier: GPL-2.0

//! Memory for a device is kept when the device is not bound any more.

use kalloc::dma::{Coherent, CoherentView, Dma, DmaPool, DmaPoolRef, FromDevice, Noncoherent, SgTable, Streaming};
use kalloc::prelude::*;

pub fn coherent(task: &Task, dma: Dma<'_>) -> Result<Coherent<'static, u32>> {
    Ok(Coherent::zeroed(task, dma)?) //~ ERROR: lifetime may not live long enough
}

pub fn managed(task: &Task, dma: Dma<'_>) -> Result<CoherentView<'static, u32>> {
    Ok(Coherent::managed(task, dma)?) //~ ERROR: lifetime may not live long enough
}

pub fn noncoherent(task: &Task, dma: Dma<'_>) -> Result<Noncoherent<'static, u32, FromDevice>> {
    Ok(Noncoherent::zeroed(task, dma)?) //~ ERROR: lifetime may not live long enough
}

pub fn streaming(
    task: &Task,
    dma: Dma<'_>,
    buffer: KBox<[u8]>,
) -> Result<Streaming<'static, KBox<[u8]>, FromDevice>> {
    Ok(Streaming::map(task, dma, buffer)?) //~ ERROR: lifetime may not live long enough
}

pub fn pool(task: &Task, dma: Dma<'_>) -> Result<DmaPoolRef<'static, u32>> {
    Ok(DmaPool::new(task, dma, c"pool")?.share()) //~ ERROR: lifetime may not live long enough
}

pub fn segments(
    task: &Task,
    dma: Dma<'_>,
    buffer: VBox<[u8]>,
) -> Result<SgTable<'static, VBox<[u8]>, FromDevice>> {
    Ok(SgTable::map(task, dma, buffer)?) //~ ERROR: lifetime may not live long enough
}
