// SPDX-License-Identifier: GPL-2.0

//! mempool_alloc_bulk() waits.

use kalloc::{mempool::*, prelude::*};

pub fn bulk(cx: &AtomicCx<'_>, pool: &Mempool<u64, KmallocBacked, 4>) {
    MempoolBulk::<_, 4, _, _, 4>::from_fn(cx, pool, |i| i as u64); //~ ERROR: may sleep
}
