// SPDX-License-Identifier: GPL-2.0

//! A promise of memory, which probe does not need.

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn make(task: &TaskCx, dev: &Device<Bound>) {
    let _ = Devm::new(task.with(GFP_KERNEL.nofail()), dev, 1); //~ ERROR: devm_kmalloc does not accept
}
