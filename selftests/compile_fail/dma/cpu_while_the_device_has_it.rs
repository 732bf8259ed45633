// SPDX-License-Identifier: GPL-2.0

//! The CPU looks at a buffer that the device has, or that it may be given at any time.

use kalloc::dma::{Bidirectional, DeviceOwned, FromDevice, Noncoherent, SgTable, Streaming};
use kalloc::prelude::*;

pub fn first(buffer: Streaming<'_, KBox<[u8]>, FromDevice, DeviceOwned>) -> u8 {
    buffer[0] //~ ERROR: cannot index into a value of type
}

pub fn change(mut buffer: Streaming<'_, KBox<u32>, Bidirectional, DeviceOwned>) {
    *buffer = 7; //~ ERROR: cannot be dereferenced
}

pub fn fill(mut buffer: Noncoherent<'_, [u8], Bidirectional, DeviceOwned>) {
    buffer.fill(0); //~ ERROR: no method named `fill` found
}

pub fn segments(table: SgTable<'_, VBox<[u8]>, FromDevice, DeviceOwned>) -> u8 {
    table[0] //~ ERROR: cannot index into a value of type
}

pub fn scattered(mut table: SgTable<'_, KBox<[FreePages]>, Bidirectional, DeviceOwned>) {
    table.fill(0); //~ ERROR: no method named `fill` found
}

pub fn mapped(buffer: Streaming<'_, KBox<[u8]>, FromDevice>) -> u8 {
    buffer[0] //~ ERROR: cannot index into a value of type
}
