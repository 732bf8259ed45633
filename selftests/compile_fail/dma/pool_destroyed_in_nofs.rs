// SPDX-License-Identifier: GPL-2.0

//! A pool is destroyed under a lock that others hold while they wait for file systems.

use kalloc::{dma::DmaPool, prelude::*};

pub fn destroy(task: &mut TaskCx, pool: DmaPool<'_, u64>) {
    task.nofs(|cx| pool.destroy(&*cx)); //~ ERROR: this may sleep and call into file systems
}
