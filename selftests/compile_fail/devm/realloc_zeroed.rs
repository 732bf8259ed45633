// SPDX-License-Identifier: GPL-2.0

//! What is in the rest of the old memory stays there.

use kalloc::prelude::*;

pub fn grow(task: &TaskCx, memory: Devm<'_, [u8]>) {
    let _ = memory.resize(task.with(GFP_KERNEL.zeroed()), 100, 0); //~ ERROR: devm_krealloc does not accept
}
