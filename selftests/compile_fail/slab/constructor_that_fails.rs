// SPDX-License-Identifier: GPL-2.0

//! A constructor does not fail.

use kalloc::{prelude::*, slab::*};

pub struct Session {
    pub id: u64,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> { //~ ERROR: PinInit
        try_init!(Session { id: Err(ENOMEM)? }? Error)
    }
}
