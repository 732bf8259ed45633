// SPDX-License-Identifier: GPL-2.0

//! The slice as it was, after krealloc.

use kalloc::prelude::*;

pub fn misuse(task: &TaskCx, old: KBox<[u8]>) -> Result<(KBox<[u8]>, u8)> {
    let new = old.resize(task, 100, 0)?;
    Ok((new, old[0])) //~ ERROR: borrow of moved value
}
