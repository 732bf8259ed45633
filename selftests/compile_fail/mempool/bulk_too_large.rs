// SPDX-License-Identifier: GPL-2.0

//! The pointers of a bulk are on the stack.

//@error-in-other-file: evaluation of

use kalloc::{mempool::*, prelude::*};

pub fn numbers(task: &TaskCx, pool: &Mempool<u64, KmallocBacked, 1024>) -> u64 {
    MempoolBulk::<_, 65, _, _, 1024>::from_fn(task, pool, |i| i as u64)
        .iter()
        .sum()
}
