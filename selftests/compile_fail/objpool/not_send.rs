// SPDX-License-Identifier: GPL-2.0

//! Objects go from thread to thread.

use kalloc::prelude::*;

fn sent<T: Sync>(_: &T) {}

pub fn share(pool: &ObjPool<*mut u8>) {
    sent(pool); //~ ERROR: cannot be sent between threads safely
}
