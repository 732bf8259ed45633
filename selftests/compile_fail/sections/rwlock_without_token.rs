// SPDX-License-Identifier: GPL-2.0

//! An rwlock taken without a token.

use kalloc::sync::RwLock;

pub fn section(lock: &RwLock<u32>) {
    let _guard = lock.read(); //~ ERROR: is private
}
