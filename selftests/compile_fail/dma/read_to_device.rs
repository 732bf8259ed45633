// SPDX-License-Identifier: GPL-2.0

//! The CPU reads a buffer that is for the device.

use kalloc::dma::{CpuOwned, Noncoherent, SgTable, Streaming, ToDevice};
use kalloc::prelude::*;

pub fn first(buffer: &Streaming<'_, KBox<[u8]>, ToDevice, CpuOwned>) -> u8 {
    buffer[0] //~ ERROR: cannot index into a value of type
}

pub fn value(buffer: &Noncoherent<'_, u64, ToDevice>) -> u64 {
    **buffer //~ ERROR: cannot be dereferenced
}

pub fn segments(table: &SgTable<'_, VBox<[u8]>, ToDevice, CpuOwned>) -> u8 {
    table[0] //~ ERROR: cannot index into a value of type
}

pub fn scattered<'a>(table: &'a SgTable<'_, KBox<[FreePages]>, ToDevice, CpuOwned>) -> Option<&'a [u8]> {
    table.get(0) //~ ERROR: no method named `get` found
}
