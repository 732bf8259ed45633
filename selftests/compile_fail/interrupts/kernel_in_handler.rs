// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags in a handler that the kernel may thread.

use kalloc::{irq, prelude::*};

pub struct Card;

impl irq::Handler for Card {
    fn handle(&self, cx: &mut IrqCx<'_>) -> irq::IrqReturn {
        let _memory = KBox::new(cx.with(GFP_KERNEL), 7u32); //~ ERROR: may sleep
        irq::IrqReturn::Handled
    }
}
