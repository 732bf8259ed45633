// SPDX-License-Identifier: GPL-2.0

//! A mapping is used after it was given up.

use kalloc::dma::{DeviceOwned, DmaAddress, FromDevice, Quiesce, Streaming};
use kalloc::prelude::*;

pub fn again(
    task: &TaskCx,
    buffer: Streaming<'_, KBox<[u8]>, FromDevice, DeviceOwned>,
    quiesce: &mut impl Quiesce,
) -> Result<DmaAddress> {
    drop(buffer.unmap(task, quiesce)?);
    Ok(buffer.dma_address()) //~ ERROR: borrow of moved value
}
