// SPDX-License-Identifier: GPL-2.0

//! A device writes what must not be any bytes.

use kalloc::dma::{Coherent, Dma, FromDevice, Streaming};
use kalloc::prelude::*;

pub fn references(task: &Task, dma: Dma<'_>, buffer: KBox<[&'static u8]>) {
    let _ = Streaming::<_, FromDevice>::map(task, dma, buffer);
    //~^ ERROR: cannot be mapped for a device
    //~| ERROR: cannot be mapped for a device
}

pub fn flag(task: &Task, dma: Dma<'_>) {
    let _ = Coherent::<bool>::zeroed(task, dma); //~ ERROR: the function or associated item `zeroed` exists
}
