// SPDX-License-Identifier: GPL-2.0

//! What several readers reach is shared between threads.

use core::cell::Cell;
use kalloc::{prelude::*, slab::*};

pub struct Session {
    pub id: Cell<u64>,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { id: Cell::new(0) })
    }
}

pub fn create(task: &TaskCx) -> Result<RcuCache<Session>> {
    RcuCache::create(task, &Args::new(c"session")) //~ ERROR: shared between threads
}
