// SPDX-License-Identifier: GPL-2.0

//! What is not contiguous for the device is mapped as if it were.

use kalloc::dma::{DmaDevice, FromDevice, Streaming};
use kalloc::prelude::*;

pub fn vmalloc(task: &TaskCx, dma: DmaDevice<'_>) -> Result {
    let buffer = VBox::<[u8]>::zeroed_slice(task, 1 << 20)?;
    let _ = Streaming::<_, FromDevice>::map(task, dma, buffer);
    //~^ ERROR: cannot be mapped for a device
    //~| ERROR: cannot be mapped for a device
    Ok(())
}

pub fn either(task: &TaskCx, dma: DmaDevice<'_>) -> Result {
    let buffer = KVBox::<[u8]>::zeroed_slice(task, 1 << 20)?;
    let _ = Streaming::<_, FromDevice>::map(task, dma, buffer);
    //~^ ERROR: cannot be mapped for a device
    //~| ERROR: cannot be mapped for a device
    Ok(())
}
