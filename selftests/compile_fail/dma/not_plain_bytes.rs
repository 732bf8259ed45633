// SPDX-License-Identifier: GPL-2.0

//! A device writes what must not be any bytes.

use kalloc::dma::{Coherent, DmaDevice, FromDevice, Streaming};
use kalloc::prelude::*;

pub fn references(task: &TaskCx, dma: DmaDevice<'_>, buffer: KBox<[&'static u8]>) {
    let _ = Streaming::<_, FromDevice>::map(task, dma, buffer);
    //~^ ERROR: cannot be mapped for a device
    //~| ERROR: cannot be mapped for a device
}

pub fn flag(task: &TaskCx, dma: DmaDevice<'_>) {
    let _ = Coherent::<bool>::zeroed(task, dma); //~ ERROR: the function or associated item `zeroed` exists
}
