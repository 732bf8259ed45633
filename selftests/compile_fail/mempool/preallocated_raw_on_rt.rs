// SPDX-License-Identifier: GPL-2.0

//! On PREEMPT_RT a spinlock sleeps.

//@only-target: rt

use kalloc::{mempool::*, prelude::*};

pub fn number(cx: &RawCx<'_>, pool: &Mempool<u64>) -> Result {
    MempoolBox::preallocated(cx, pool, 1)?; //~ ERROR: no allocator may be called
    //~^ ERROR: no allocator may be called
    Ok(())
}
