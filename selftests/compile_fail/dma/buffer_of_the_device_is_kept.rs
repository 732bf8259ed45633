// SPDX-License-Identifier: GPL-2.0

//! The driver keeps a way to a buffer that it gives to the device.

use kalloc::dma::{DmaDevice, Streaming, ToDevice};
use kalloc::prelude::*;

pub fn keep(task: &TaskCx, dma: DmaDevice<'_>, mut buffer: KBox<[u8]>) -> Result {
    let first = &mut buffer[0];
    let mapped = Streaming::<_, ToDevice>::map(task, dma, buffer)?; //~ ERROR: cannot move out of `buffer`
    *first = 1;
    drop(mapped);
    Ok(())
}
