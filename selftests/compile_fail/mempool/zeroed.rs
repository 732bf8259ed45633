// SPDX-License-Identifier: GPL-2.0

//! The reserve was not zeroed.

use kalloc::{mempool::*, prelude::*};

pub fn number(task: &TaskCx, pool: &Mempool<u64>) {
    let _number = MempoolBox::new(task.with(GFP_KERNEL.zeroed()), pool, 1); //~ ERROR: cannot wait
}
