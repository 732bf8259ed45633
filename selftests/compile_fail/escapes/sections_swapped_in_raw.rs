// SPDX-License-Identifier: GPL-2.0

//! An inner section swapped for the outer one of the same type, to end in the wrong order.

use kalloc::prelude::*;

pub fn escape(cx: &mut RawCx<'_>) {
    section!(outer = cx, local_irq_save()); //~ ERROR: lifetime may not live long enough
    //~^ ERROR: `slot` does not live long enough
    section!(inner = outer.cx(), local_irq_save()); //~ ERROR: `outer` does not live long enough
    //~^ ERROR: `slot` does not live long enough
    core::mem::swap(&mut outer, &mut inner); //~ ERROR: cannot borrow `outer` as mutable more than once at a time
}
