// SPDX-License-Identifier: GPL-2.0

//! Memory in a handler that PREEMPT_RT does not thread.

//@only-target: rt

use kalloc::{irq, prelude::*};

pub struct Card;

impl irq::Handler<irq::Hard> for Card {
    fn handle(&self, cx: &mut RawCx<'_>) -> irq::IrqReturn {
        let _memory = KBox::new(&cx, 7u32); //~ ERROR: no allocator may be called
        irq::IrqReturn::Handled
    }
}
