// SPDX-License-Identifier: GPL-2.0

//! Objects larger than a slab can be.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub fn create(task: &TaskCx) -> Result<Cache<[u8; 4 << 20]>> {
    Cache::create(task, &Args::new(c"huge"))
}
