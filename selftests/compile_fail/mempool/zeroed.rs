// SPDX-License-Identifier: GPL-2.0

//! The reserve was not zeroed.

use kalloc::{mempool::*, prelude::*};

pub fn number(task: &Task, pool: &Mempool<u64>) {
    let _number = MempoolBox::new(task.with(Kernel.zeroed()), pool, 1); //~ ERROR: cannot wait
}
