// SPDX-License-Identifier: GPL-2.0

//! The CPU writes a buffer that comes from the device.

use kalloc::dma::{CpuOwned, FromDevice, Streaming};
use kalloc::prelude::*;

pub fn change(mut buffer: Streaming<'_, KBox<[u8]>, FromDevice, CpuOwned>) {
    buffer[0] = 1; //~ ERROR: cannot assign to data in dereference
}

pub fn fill(mut buffer: Streaming<'_, KBox<[u8]>, FromDevice, CpuOwned>) {
    buffer.fill(1); //~ ERROR: the CPU does not write a buffer
}
