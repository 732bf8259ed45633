// SPDX-License-Identifier: GPL-2.0

//! What is on the stack is mapped.

use kalloc::dma::{DmaDevice, FromDevice, SgTable, Streaming};
use kalloc::prelude::*;

pub fn array(task: &TaskCx, dma: DmaDevice<'_>) {
    let _ = Streaming::<_, FromDevice>::map(task, dma, [0u8; 64]);
    //~^ ERROR: cannot be mapped for a device
    //~| ERROR: cannot be mapped for a device
}

pub fn borrowed(task: &TaskCx, dma: DmaDevice<'_>) {
    let mut buffer = [0u8; 64];
    let _ = Streaming::<_, FromDevice>::map(task, dma, &mut buffer);
    //~^ ERROR: cannot be mapped for a device
    //~| ERROR: cannot be mapped for a device
}

pub fn segments(task: &TaskCx, dma: DmaDevice<'_>) {
    let _ = SgTable::<_, FromDevice>::map(task, dma, [0u8; 64]);
    //~^ ERROR: cannot be mapped for a device page by page
    //~| ERROR: cannot be mapped for a device page by page
}
