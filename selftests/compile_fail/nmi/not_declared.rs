// SPDX-License-Identifier: GPL-2.0

//! A struct that nobody has looked at.

use kalloc::{context::NmiSafe, prelude::*};
use kernel::sync::Mutex;

pub struct Watch {
    pub table: Mutex<KVec<u32>>,
}

pub fn register<T: NmiSafe>(_state: &T) {}

pub fn registered(watch: &Watch) {
    register(watch) //~ ERROR: an NMI handler must not have
}
