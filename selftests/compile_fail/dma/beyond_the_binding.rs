// SPDX-License-Identifier: GPL-2.0

//! Memory for a device is kept when the device is not bound any more.

use kalloc::dma::{Coherent, CoherentView, DmaDevice, DmaPool, DmaPoolRef, FromDevice, Noncoherent, SgTable, Streaming};
use kalloc::prelude::*;

pub fn coherent(task: &TaskCx, dma: DmaDevice<'_>) -> Result<Coherent<'static, u32>> {
    Ok(Coherent::zeroed(task, dma)?) //~ ERROR: lifetime may not live long enough
}

pub fn managed(task: &TaskCx, dma: DmaDevice<'_>) -> Result<CoherentView<'static, u32>> {
    Ok(Coherent::managed(task, dma)?) //~ ERROR: lifetime may not live long enough
}

pub fn noncoherent(task: &TaskCx, dma: DmaDevice<'_>) -> Result<Noncoherent<'static, u32, FromDevice>> {
    Ok(Noncoherent::zeroed(task, dma)?) //~ ERROR: lifetime may not live long enough
}

pub fn streaming(
    task: &TaskCx,
    dma: DmaDevice<'_>,
    buffer: KBox<[u8]>,
) -> Result<Streaming<'static, KBox<[u8]>, FromDevice>> {
    Ok(Streaming::map(task, dma, buffer)?) //~ ERROR: lifetime may not live long enough
}

pub fn pool(task: &TaskCx, dma: DmaDevice<'_>) -> Result<DmaPoolRef<'static, u32>> {
    Ok(DmaPool::new(task, dma, c"pool")?.share()) //~ ERROR: lifetime may not live long enough
}

pub fn segments(
    task: &TaskCx,
    dma: DmaDevice<'_>,
    buffer: VBox<[u8]>,
) -> Result<SgTable<'static, VBox<[u8]>, FromDevice>> {
    Ok(SgTable::map(task, dma, buffer)?) //~ ERROR: lifetime may not live long enough
}
