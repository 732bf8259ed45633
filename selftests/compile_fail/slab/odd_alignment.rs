// SPDX-License-Identifier: GPL-2.0

//! An alignment that is no power of two.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub fn create(task: &TaskCx) -> Result<Cache<u64>> {
    Cache::create(task, &Args::new(c"odd").align::<48>())
}
