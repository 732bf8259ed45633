// SPDX-License-Identifier: GPL-2.0

//! A zone for a base that has one.

use kalloc::prelude::*;

pub fn flags(task: &TaskCx) {
    let _ = task.with(GFP_HIGHUSER.highmem()); //~ ERROR: already chooses a zone
}
