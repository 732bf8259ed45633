// SPDX-License-Identifier: GPL-2.0

//! A pool that is dropped while it has an element out.

use kalloc::{mempool::*, prelude::*};

pub fn pool(task: &TaskCx, pool: Mempool<u64>) {
    let number = MempoolBox::new(task, &pool, 1);
    drop(pool); //~ ERROR: cannot move out of `pool` because it is borrowed
    drop(number);
}
