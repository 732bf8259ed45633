// SPDX-License-Identifier: GPL-2.0

//! More at once than the reserve is sure to have could wait for ever.

//@error-in-other-file: evaluation of

use kalloc::{mempool::*, prelude::*};

pub fn bulk(task: &TaskCx, pool: &Mempool<u64, KmallocBacked, 4>) {
    MempoolBulk::<_, 5, _, _, 4>::from_fn(task, pool, |i| i as u64);
}
