// SPDX-License-Identifier: GPL-2.0

//! mempool_resize() asks for GFP_KERNEL.

use kalloc::{mempool::*, prelude::*};

pub fn resize(cx: &NoIoCx<'_>, pool: &Mempool<u64>) -> Result {
    pool.resize(cx, 8) //~ ERROR: this may sleep and call into file systems
}
