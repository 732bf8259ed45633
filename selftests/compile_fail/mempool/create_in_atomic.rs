// SPDX-License-Identifier: GPL-2.0

//! mempool_create() sleeps.

use kalloc::{mempool::*, prelude::*};

pub fn pool(cx: &AtomicCx<'_>) -> Result<Mempool<u64>> {
    Mempool::kmalloc(cx, 4) //~ ERROR: this may sleep
}
