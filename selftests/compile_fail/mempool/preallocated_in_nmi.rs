// SPDX-License-Identifier: GPL-2.0

//! So does taking from the reserve.

use kalloc::{mempool::*, prelude::*};

pub fn number(cx: &NmiCx<'_>, pool: &Mempool<u64>) -> Result {
    MempoolBox::preallocated(cx, pool, 1)?; //~ ERROR: no allocator may be called
    //~^ ERROR: no allocator may be called
    Ok(())
}
