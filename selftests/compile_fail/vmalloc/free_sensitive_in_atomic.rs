// SPDX-License-Identifier: GPL-2.0

//! `kvfree_sensitive()`, which may sleep, with a spinlock held.

use kalloc::prelude::*;

pub fn free(cx: &AtomicCx<'_>, key: KVBox<[u8; 32]>) {
    key.free_sensitive(cx); //~ ERROR: may sleep
}
