// SPDX-License-Identifier: GPL-2.0

//! The memory as it was, after krealloc failed or not.

use core::mem::MaybeUninit;
use kalloc::prelude::*;

pub fn misuse(task: &TaskCx, old: KBox<[MaybeUninit<u8>]>) -> usize {
    let _ = old.realloc(task, 100);
    old.len() //~ ERROR: borrow of moved value
}
