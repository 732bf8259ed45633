// SPDX-License-Identifier: GPL-2.0

//! krealloc under a reference into the memory.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx, old: KBox<[u8]>) -> Result<u8> {
    let first = &old[0];
    let _new = old.resize(task, 100, 0)?; //~ ERROR: cannot move out of `old` because it is borrowed
    Ok(*first)
}
