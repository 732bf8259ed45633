// SPDX-License-Identifier: GPL-2.0

//! A lookup with the kernel crate's guard for evidence, beside which the thread may sleep or end.

use kalloc::{prelude::*, slab::*};
use kernel::sync::rcu;

pub struct Session;

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        Session
    }
}

pub fn lookup(cell: &RcuSlot<Session, &'static RcuCache<Session>>) -> bool {
    cell.get(&rcu::read_lock(), |_| true).is_some() //~ ERROR: mismatched types
}
