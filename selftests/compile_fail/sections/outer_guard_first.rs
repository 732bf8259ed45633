// SPDX-License-Identifier: GPL-2.0

//! Interrupts turned on again in the wrong order.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) {
    section!(outer = task, local_irq_save());
    section!(inner = outer.cx(), local_irq_save());
    outer.end(); //~ ERROR: cannot move out of `outer` because it is borrowed
    inner.end();
}
