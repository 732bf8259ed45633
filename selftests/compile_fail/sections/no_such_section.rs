// SPDX-License-Identifier: GPL-2.0

//! A section that there is not.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) {
    section!(_off = task, spin_lock_irq()); //~ ERROR: cannot find function `spin_lock_irq` in module
}
