// SPDX-License-Identifier: GPL-2.0

//! Interrupts turned on again in the wrong order.

use kalloc::prelude::*;

pub fn section(task: &mut Task) {
    let mut outer = task.local_irq_save();
    let inner = outer.cx().local_irq_save();
    drop(outer); //~ ERROR: cannot move out of `outer` because it is borrowed
    drop(inner);
}
