// SPDX-License-Identifier: GPL-2.0

//! A cache of objects of no size.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub fn create(task: &TaskCx) -> Result<Cache<()>> {
    Cache::create(task, &Args::new(c"nothing"))
}
