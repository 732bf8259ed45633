// SPDX-License-Identifier: GPL-2.0

//! A lookup is on the RCU read side.

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

pub fn find(cell: &RcuSlot<Session, &RcuCache<Session>>) -> bool {
    cell.get((), |session| session.id.load(Relaxed) == 1).is_some() //~ ERROR: mismatched types
}
