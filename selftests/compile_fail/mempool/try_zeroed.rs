// SPDX-License-Identifier: GPL-2.0

//! The reserve was not zeroed, whoever asks.

use kalloc::{mempool::*, prelude::*};

pub fn number(cx: &AtomicCx<'_>, pool: &Mempool<u64>) -> Result {
    MempoolBox::try_new(cx.with(GFP_ATOMIC.zeroed()), pool, 1)?; //~ ERROR: does not accept
    Ok(())
}
