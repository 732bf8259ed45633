// SPDX-License-Identifier: GPL-2.0

//! Readers may be looking: an object is reached through shared references alone.

use kalloc::{prelude::*, slab::*};
use kernel::sync::atomic::{Atomic as AtomicCell, Relaxed};

pub struct Session {
    pub id: AtomicCell<u64>,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { id: AtomicCell::new(0) })
    }
}

pub fn change(session: &mut RcuRef<Session, &RcuCache<Session>>) {
    session.id = AtomicCell::new(1); //~ ERROR: cannot assign
    session.id.store(1, Relaxed);
}
