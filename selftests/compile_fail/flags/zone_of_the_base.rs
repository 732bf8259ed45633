// SPDX-License-Identifier: GPL-2.0

//! A zone for a base that has one.

use kalloc::prelude::*;

pub fn flags(task: &Task) {
    let _ = task.with(HighUser.highmem()); //~ ERROR: already chooses a zone
}
