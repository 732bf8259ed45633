// SPDX-License-Identifier: GPL-2.0

//! The reserve is not of a zone.

use kalloc::{mempool::*, prelude::*};

pub fn number(task: &Task, pool: &Mempool<u64>) -> Result {
    MempoolBox::try_new(task.with(Kernel.dma()), pool, 1)?; //~ ERROR: does not accept
    Ok(())
}
