// SPDX-License-Identifier: GPL-2.0

//! Waiting where sleeping is not allowed.

use kalloc::{mempool::*, prelude::*};

pub fn number(cx: &AtomicCx<'_>, pool: &Mempool<u64>) {
    let _number = MempoolBox::new(cx, pool, 1); //~ ERROR: cannot wait
}
