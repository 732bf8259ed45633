// SPDX-License-Identifier: GPL-2.0

//! Nobody drops a constructed object.

//@error-in-other-file: evaluation of

use core::pin::Pin;
use kalloc::{prelude::*, slab::*};

pub struct Session {
    pub buffer: Option<KBox<u64>>,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { buffer: None })
    }
}

impl Constructed for Session {
    fn reset(self: Pin<&mut Self>) {}
}

pub fn create(task: &TaskCx) -> Result<ConstructedCache<Session>> {
    ConstructedCache::create(task, &Args::new(c"session"))
}
