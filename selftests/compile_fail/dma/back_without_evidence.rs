// SPDX-License-Identifier: GPL-2.0

//! A buffer comes back from the device without anybody who says that it is through.

use kalloc::dma::{Cpu, Device, FromDevice, SgTable, Streaming};
use kalloc::prelude::*;

pub fn finish(buffer: Streaming<'_, KBox<[u8]>, FromDevice, Device>) -> Result<KBox<[u8]>> {
    Ok(buffer.unmap()?) //~ ERROR: this method takes 1 argument but 0 arguments were supplied
}

pub fn nobody<'a>(
    buffer: Streaming<'a, KBox<u8>, FromDevice>,
) -> Result<Streaming<'a, KBox<u8>, FromDevice, Cpu>> {
    Ok(buffer.sync_for_cpu(&mut ())?) //~ ERROR: says that a device is through
}

pub fn segments(table: SgTable<'_, VBox<[u8]>, FromDevice>) -> Result<VBox<[u8]>> {
    Ok(table.unmap()?) //~ ERROR: this method takes 1 argument but 0 arguments were supplied
}
