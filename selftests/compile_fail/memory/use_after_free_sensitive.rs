// SPDX-License-Identifier: GPL-2.0

//! Used after it was overwritten and freed.

use kalloc::prelude::*;

pub fn misuse(key: KBox<[u8; 32]>) -> u8 {
    key.free_sensitive();
    key[0] //~ ERROR: borrow of moved value
}
