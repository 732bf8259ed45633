// SPDX-License-Identifier: GPL-2.0

//! Nobody drops an object that readers may still see.

//@error-in-other-file: evaluation of

use kalloc::{prelude::*, slab::*};

pub struct Session {
    pub buffer: Option<KBox<u64>>,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { buffer: None })
    }
}

pub fn create(task: &TaskCx) -> Result<RcuCache<Session>> {
    RcuCache::create(task, &Args::new(c"session"))
}
