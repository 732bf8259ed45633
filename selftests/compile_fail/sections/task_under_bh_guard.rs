// SPDX-License-Identifier: GPL-2.0

//! The token of process context used while bottom halves are disabled.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    section!(_off = task, local_bh_disable());
    Ok(KBox::new(&*task, 1)?) //~ ERROR: cannot borrow
}
