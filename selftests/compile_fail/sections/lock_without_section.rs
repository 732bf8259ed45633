// SPDX-License-Identifier: GPL-2.0

//! A raw spinlock taken by what the macro calls to enter a section.

use kalloc::{__macro::enter, prelude::*, sync::{Enter, RawSpinLock}};

pub fn section(lock: &RawSpinLock<u32>) {
    let _guard = Enter::<TaskCx>::enter(enter::raw_lock(lock)); //~ ERROR: call to unsafe function
}
