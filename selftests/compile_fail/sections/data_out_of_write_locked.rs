// SPDX-License-Identifier: GPL-2.0

//! Data of a lock kept behind its section.

use kalloc::{prelude::*, sync::RwLock};

pub fn section(task: &mut TaskCx, lock: &RwLock<u32>) {
    let mut kept = None;
    task.write_locked(lock, |n, _cx| kept = Some(n)); //~ ERROR: borrowed data escapes
    let _n = kept;
}
