// SPDX-License-Identifier: GPL-2.0

//! The CPU reads a buffer that is for the device.

use kalloc::dma::{Cpu, Noncoherent, Streaming, ToDevice};
use kalloc::prelude::*;

pub fn first(buffer: &Streaming<'_, KBox<[u8]>, ToDevice, Cpu>) -> u8 {
    buffer[0] //~ ERROR: cannot index into a value of type
}

pub fn value(buffer: &Noncoherent<'_, u64, ToDevice>) -> u64 {
    **buffer //~ ERROR: cannot be dereferenced
}
