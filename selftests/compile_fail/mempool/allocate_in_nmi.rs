// SPDX-License-Identifier: GPL-2.0

//! A pool takes a spinlock, which an NMI handler must not.

use kalloc::{mempool::*, prelude::*};

pub fn number(cx: &NmiCx<'_>, pool: &Mempool<u64>) -> Result {
    MempoolBox::try_new(cx, pool, 1)?; //~ ERROR: no allocator may be called
    Ok(())
}
