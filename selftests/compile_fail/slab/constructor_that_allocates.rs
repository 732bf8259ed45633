// SPDX-License-Identifier: GPL-2.0

//! A constructor has no token, so it does not allocate.

use kalloc::{prelude::*, slab::*};

pub struct Session {
    pub buffer: KBox<u64>,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { buffer: KBox::new(&task, 7).unwrap() }) //~ ERROR: cannot find value `task`
    }
}
