// SPDX-License-Identifier: GPL-2.0

//! Memory comes back from the device without evidence that it is idle.

use kalloc::dma::{Coherent, CpuOwned, DeviceOwned, DmaBlock, FromDevice, SgTable, Streaming};
use kalloc::prelude::*;

pub fn finish(
    task: &TaskCx,
    buffer: Streaming<'_, KBox<[u8]>, FromDevice, DeviceOwned>,
) -> Result<KBox<[u8]>> {
    Ok(buffer.unmap(task)?) //~ ERROR: this method takes 2 arguments but 1 argument was supplied
}

pub fn nobody<'a>(
    buffer: Streaming<'a, KBox<u8>, FromDevice, DeviceOwned>,
) -> Result<Streaming<'a, KBox<u8>, FromDevice, CpuOwned>> {
    Ok(buffer.sync_for_cpu(&mut ())?) //~ ERROR: does not report whether a device is idle
}

pub fn segments(
    task: &TaskCx,
    table: SgTable<'_, VBox<[u8]>, FromDevice, DeviceOwned>,
) -> Result<VBox<[u8]>> {
    Ok(table.unmap(task)?) //~ ERROR: this method takes 2 arguments but 1 argument was supplied
}

pub fn shared(task: &TaskCx, memory: Coherent<'_, u32>) {
    let _ = memory.free(task); //~ ERROR: this method takes 2 arguments but 1 argument was supplied
}

pub fn block(block: DmaBlock<'_, u32>) {
    let _ = block.free(); //~ ERROR: this method takes 1 argument but 0 arguments were supplied
}
