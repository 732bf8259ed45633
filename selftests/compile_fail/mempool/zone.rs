// SPDX-License-Identifier: GPL-2.0

//! The reserve is not of a zone.

use kalloc::{mempool::*, prelude::*};

pub fn number(task: &TaskCx, pool: &Mempool<u64>) -> Result {
    MempoolBox::try_new(task.with(GFP_KERNEL.dma()), pool, 1)?; //~ ERROR: does not accept
    Ok(())
}
