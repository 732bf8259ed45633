// SPDX-License-Identifier: GPL-2.0

//! A raw spinlock taken by what the macro calls to enter a section.

use kalloc::{prelude::*, sync::{enter, Enter, RawSpinLock}};

pub fn section(lock: &RawSpinLock<u32>) {
    let _guard = Enter::<Task>::enter(enter::raw_lock(lock)); //~ ERROR: call to unsafe function
}
