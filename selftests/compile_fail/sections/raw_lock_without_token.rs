// SPDX-License-Identifier: GPL-2.0

//! A raw spinlock taken without a token.

use kalloc::sync::RawSpinLock;

pub fn section(lock: &RawSpinLock<u32>) {
    let _guard = lock.lock(); //~ ERROR: no method named `lock`
}
