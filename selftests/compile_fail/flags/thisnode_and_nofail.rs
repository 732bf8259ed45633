// SPDX-License-Identifier: GPL-2.0

//! Waits for memory of one node, which may never come.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(Kernel.thisnode().nofail()); //~ ERROR: is bound to one node
}
