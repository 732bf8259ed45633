// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass
//@ignore-target: linux-7-2

use kalloc::dma::{Coherent, DmaDevice, DmaBlock, DmaPool, DmaPoolRef, MappedRange, Quiesce, Streaming};
use kalloc::dma::{Bidirectional, CpuOwned, DeviceOwned, ForceContiguous, FromDevice, Mapped, NoAttrs};
use kalloc::dma::{Noncoherent, SgTable, ToDevice, WriteCombine};
use kalloc::prelude::*;
use kernel::{device::{Bound, Core, Device}, io::Io, pci};

pub fn dma<'bound>(task: &TaskCx, pdev: &'bound pci::Device<Core<'_>>) -> Result<DmaDevice<'bound>> {
    DmaDevice::set_mask_and_coherent::<64, _>(task, pdev)
        .or_else(|_| DmaDevice::set_mask_and_coherent::<32, _>(task, pdev))
}

pub struct Channel<'bound>(pub bool, pub DmaDevice<'bound>);

impl Quiesce for Channel<'_> {
    fn device(&self) -> &Device<Bound> {
        self.1.device()
    }

    fn is_idle(&mut self, memory: MappedRange<'_>) -> bool {
        self.0 && memory.size() != 0
    }
}

pub fn read(task: &TaskCx, dma: DmaDevice<'_>, engine: &mut Channel<'_>) -> Result<u8> {
    let buffer = KBox::zeroed_slice(task.with(GFP_KERNEL.dma()), 64)?;
    let buffer = Streaming::<_, FromDevice, _, _>::map(task, dma.no_warn(), buffer)?;
    let buffer: Streaming<'_, KBox<[u8]>, _, DeviceOwned, _> = buffer.into_device();
    let mut buffer = buffer.sync_for_cpu(engine)?.sync_for_device().into_device();
    let first = buffer.with_cpu(engine, |buffer| buffer[0])?;
    Ok(first ^ buffer.unmap(task, engine)?[1])
}

pub fn write(task: &TaskCx, dma: DmaDevice<'_>, engine: &mut Channel<'_>) -> Result<KBox<u64>> {
    let buffer = Streaming::<_, ToDevice>::map(task, dma, KBox::new(task, 1u64)?)?;
    let mut buffer: Streaming<'_, _, _, CpuOwned> = buffer.sync_for_cpu();
    buffer.write(2);
    let buffer: Streaming<'_, _, _, Mapped> = buffer.sync_for_device();
    let (buffer, _told) = buffer.give(|address| u32::try_from(address))?;
    Ok(buffer.unmap(task, engine)?)
}

pub fn pages(task: &TaskCx, dma: DmaDevice<'_>, engine: &mut Channel<'_>) -> Result<u32> {
    let mut pages = Noncoherent::<[u32], Bidirectional>::zeroed_slice(task, dma, 1024)?;
    pages[5] = 1;
    pages.fill(3);
    let mut pages = pages.sync_for_device().into_device();
    pages.with_cpu(engine, |pages| pages[5])
}

pub struct State<'bound> {
    pub block: DmaBlock<'bound, [u32; 4]>,
    pub pool: DmaPoolRef<'bound, [u32; 4]>,
    pub ring: Coherent<'bound, [u64], ForceContiguous<WriteCombine<NoAttrs>>>,
}

pub fn state<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<State<'bound>> {
    let pool = DmaPool::with::<64, 4096>(task, dma, c"pool")?.share();
    Ok(State {
        block: pool.alloc(task, [1; 4])?,
        pool,
        ring: Coherent::zeroed_slice(task, dma.write_combine().force_contiguous(), 64)?,
    })
}

pub fn sum(state: &State<'_>) -> u32 {
    state.block.copy_read().iter().sum()
}

pub fn segments(task: &TaskCx, dma: DmaDevice<'_>, engine: &mut Channel<'_>) -> Result<u8> {
    let table = SgTable::<_, FromDevice>::map(task, dma, VBox::zeroed_slice(task, 10_000)?)?;
    let (table, bytes) = table.give(|segments| Ok::<usize, Error>(segments.map(|(_, len)| len).sum()))?;
    let table: SgTable<'_, VBox<[u8]>, _, CpuOwned> = table.sync_for_cpu(engine)?;
    let first = table[0];
    Ok(first ^ table.sync_for_device().unmap(task)[bytes - 1])
}

pub fn scattered(task: &TaskCx, dma: DmaDevice<'_>, engine: &mut Channel<'_>) -> Result {
    let mut pages = KVec::new();
    pages.push(task, FreePages::zeroed(task, Order::<0>)?)?;
    let table = SgTable::<_, Bidirectional>::map(task, dma, pages.into_boxed_slice())?;
    let mut table = table.into_device().sync_for_cpu(engine)?;
    table.fill(1);
    table.copy_from_slice(7, &[1, 2, 3]).map_err(|_| EINVAL)?;
    let _first: Option<&[u8]> = table.get(0);
    Ok(drop(table.unmap(task)))
}

pub type Ring<'bound> = Noncoherent<'bound, [[u8; 256]], FromDevice, DeviceOwned>;

pub fn element(ring: &mut Ring<'_>, done: &mut impl Quiesce) -> Result<u8> {
    ring.with_element(3, done, |element| element[0])
}

pub fn free(task: &TaskCx, state: State<'_>, quiesce: &mut impl Quiesce) -> Result {
    state.block.free(quiesce)?;
    state.ring.free(task, quiesce)?;
    Ok(())
}
