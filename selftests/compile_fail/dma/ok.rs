// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::dma::{Coherent, Dma, DmaBlock, DmaPool, DmaPoolRef, Engine, Range, Streaming};
use kalloc::dma::{Bidirectional, Cpu, Device, ForceContiguous, FromDevice, NoAttrs};
use kalloc::dma::{Noncoherent, SgTable, ToDevice, WriteCombine};
use kalloc::prelude::*;
use kernel::{device::Core, io::Io, pci};

pub fn dma<'bound>(task: &Task, pdev: &'bound pci::Device<Core<'_>>) -> Result<Dma<'bound>> {
    Dma::set_mask_and_coherent::<64, _>(task, pdev)
        .or_else(|_| Dma::set_mask_and_coherent::<32, _>(task, pdev))
}

pub struct Channel(pub bool);

impl Engine for Channel {
    fn is_quiet(&mut self, memory: Range<'_>) -> bool {
        self.0 && memory.size() != 0
    }
}

pub fn read(task: &Task, dma: Dma<'_>, engine: &mut Channel) -> Result<u8> {
    let buffer = KBox::zeroed_slice(task.with(Kernel.dma()), 64)?;
    let buffer = Streaming::<_, FromDevice, _, _>::map(task, dma.no_warn(), buffer)?;
    let buffer = buffer.sync_for_cpu(engine)?;
    let first = buffer[0];
    let buffer: Streaming<'_, KBox<[u8]>, _, Device, _> = buffer.sync_for_device();
    Ok(first ^ buffer.unmap(engine)?[1])
}

pub fn write(task: &Task, dma: Dma<'_>, engine: &mut Channel) -> Result<KBox<u64>> {
    let buffer = Streaming::<_, ToDevice>::map(task, dma, KBox::new(task, 1u64)?)?;
    let mut buffer: Streaming<'_, _, _, Cpu> = buffer.sync_for_cpu(engine)?;
    buffer.write(2);
    Ok(buffer.unmap())
}

pub fn pages(task: &Task, dma: Dma<'_>, engine: &mut Channel) -> Result<u32> {
    let mut pages = Noncoherent::<[u32], Bidirectional>::zeroed_slice(task, dma, 1024)?;
    pages[5] = 1;
    pages.fill(3);
    Ok(pages.sync_for_device().sync_for_cpu(engine)?[5])
}

pub struct State<'bound> {
    pub block: DmaBlock<'bound, [u32; 4]>,
    pub pool: DmaPoolRef<'bound, [u32; 4]>,
    pub ring: Coherent<'bound, [u64], ForceContiguous<WriteCombine<NoAttrs>>>,
}

pub fn state<'bound>(task: &Task, dma: Dma<'bound>) -> Result<State<'bound>> {
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

pub fn segments(task: &Task, dma: Dma<'_>, engine: &mut Channel) -> Result<u8> {
    let table = SgTable::<_, FromDevice>::map(task, dma, VBox::zeroed_slice(task, 10_000)?)?;
    let bytes: usize = table.segments().map(|(_, len)| len).sum();
    let table: SgTable<'_, VBox<[u8]>, _, Cpu> = table.sync_for_cpu(engine)?;
    let first = table[0];
    Ok(first ^ table.sync_for_device().unmap(engine)?[bytes - 1])
}

pub fn scattered(task: &Task, dma: Dma<'_>, engine: &mut Channel) -> Result {
    let mut pages = KVec::new();
    pages.push(task, PageMem::zeroed(task, Order::<0>)?)?;
    let table = SgTable::<_, Bidirectional>::map(task, dma, pages.into_boxed_slice())?;
    let mut table = table.sync_for_cpu(engine)?;
    table.fill(1);
    table.copy_from_slice(7, &[1, 2, 3]).map_err(|_| EINVAL)?;
    let _first: Option<&[u8]> = table.get(0);
    Ok(drop(table.unmap()))
}
