// SPDX-License-Identifier: GPL-2.0

//! An inner section swapped for the outer one, to end in the wrong order.

use kalloc::prelude::*;

pub fn escape(task: &mut TaskCx) {
    section!(outer = task, local_irq_save());
    section!(inner = outer.cx(), local_irq_save());
    core::mem::swap(&mut outer, &mut inner); //~ ERROR: mismatched types
}
