// SPDX-License-Identifier: GPL-2.0

//! The constructor runs on one thread, and the object is used on another.

use core::pin::Pin;
use kalloc::{prelude::*, slab::*};
use kernel::types::NotThreadSafe;

pub struct Session {
    pub here: NotThreadSafe,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { here: NotThreadSafe })
    }
}

impl Constructed for Session { //~ ERROR: cannot be sent between threads
    fn reset(self: Pin<&mut Self>) {}
}
