// SPDX-License-Identifier: GPL-2.0

//! The device is told the address of a buffer that the CPU has, or that it was not given.

use kalloc::dma::{CpuOwned, DmaAddress, FromDevice, Noncoherent, SgTable, Streaming};
use kalloc::prelude::*;

pub fn streaming(buffer: &Streaming<'_, KBox<[u8]>, FromDevice, CpuOwned>) -> DmaAddress {
    buffer.dma_address() //~ ERROR: no method named `dma_address` found
}

pub fn not_given(buffer: &Streaming<'_, KBox<[u8]>, FromDevice>) -> DmaAddress {
    buffer.dma_address() //~ ERROR: no method named `dma_address` found
}

pub fn noncoherent(buffer: &Noncoherent<'_, [u8], FromDevice>) -> DmaAddress {
    buffer.dma_address() //~ ERROR: no method named `dma_address` found
}

pub fn segments(table: &SgTable<'_, VBox<[u8]>, FromDevice, CpuOwned>) -> usize {
    table.segments().count() //~ ERROR: no method named `segments` found
}

pub fn forgotten<'a>(
    buffer: Streaming<'a, KBox<[u8]>, FromDevice, CpuOwned>,
) -> Result<DmaAddress> {
    // Synchronised, but not given.
    Ok(buffer.sync_for_device().dma_address()) //~ ERROR: no method named `dma_address` found
}
