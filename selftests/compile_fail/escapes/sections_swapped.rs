// SPDX-License-Identifier: GPL-2.0

//! An inner section swapped for the outer one, to end in the wrong order.

use kalloc::prelude::*;

pub fn escape(task: &mut Task) {
    let mut outer = task.local_irq_save();
    let mut inner = outer.cx().local_irq_save(); //~ ERROR: `outer` does not live long enough
    core::mem::swap(&mut outer, &mut inner); //~ ERROR: cannot borrow `outer` as mutable more than once at a time
}
