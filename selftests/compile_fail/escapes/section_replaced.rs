// SPDX-License-Identifier: GPL-2.0

//! A section replaced by another of the same token.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, locks: &[SpinLock<u32>; 2]) {
    section!(section = task, lock(&locks[0]));
    section!(other = task, lock(&locks[1])); //~ ERROR: cannot borrow `*task` as mutable more than once at a time
    let _ = core::mem::replace(&mut section, other);
}
