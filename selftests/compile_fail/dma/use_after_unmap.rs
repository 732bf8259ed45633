// SPDX-License-Identifier: GPL-2.0

//! A mapping is used after it was given up.

use kalloc::dma::{DmaAddress, Engine, FromDevice, Streaming};
use kalloc::prelude::*;

pub fn again(
    buffer: Streaming<'_, KBox<[u8]>, FromDevice>,
    engine: &mut impl Engine,
) -> Result<DmaAddress> {
    drop(buffer.unmap(engine)?);
    Ok(buffer.dma_handle()) //~ ERROR: borrow of moved value
}
