// SPDX-License-Identifier: GPL-2.0

//! An element of a pool that is gone.

use kalloc::{mempool::*, prelude::*};

pub fn number(task: &TaskCx) -> Result<MempoolBox<u64, &'static Mempool<u64>>> {
    let pool = Mempool::<u64>::kmalloc(task, 4)?;
    Ok(MempoolBox::new(task, &pool, 1)) //~ ERROR: cannot return
}
