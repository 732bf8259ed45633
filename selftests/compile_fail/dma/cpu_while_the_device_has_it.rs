// SPDX-License-Identifier: GPL-2.0

//! The CPU looks at a buffer that the device has.

use kalloc::dma::{Bidirectional, Device, FromDevice, Noncoherent, SgTable, Streaming};
use kalloc::prelude::*;

pub fn first(buffer: Streaming<'_, KBox<[u8]>, FromDevice, Device>) -> u8 {
    buffer[0] //~ ERROR: cannot index into a value of type
}

pub fn change(mut buffer: Streaming<'_, KBox<u32>, Bidirectional>) {
    *buffer = 7; //~ ERROR: cannot be dereferenced
}

pub fn fill(mut buffer: Noncoherent<'_, [u8], Bidirectional, Device>) {
    buffer.fill(0); //~ ERROR: no method named `fill` found
}

pub fn segments(table: SgTable<'_, VBox<[u8]>, FromDevice, Device>) -> u8 {
    table[0] //~ ERROR: cannot index into a value of type
}

pub fn scattered(mut table: SgTable<'_, KBox<[PageMem]>, Bidirectional>) {
    table.fill(0); //~ ERROR: no method named `fill` found
}
