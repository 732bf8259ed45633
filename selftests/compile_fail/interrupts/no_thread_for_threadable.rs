// SPDX-License-Identifier: GPL-2.0

//! Flags that keep a line hard, for a handler that wants a context in which memory can be had.

use kalloc::{driver::BoundScope, irq, prelude::*};

pub struct Card;

impl irq::Handler for Card {
    fn handle(&self, cx: &mut IrqCx<'_>) -> irq::IrqReturn {
        let _memory = KBox::new(&cx, 7u32);
        irq::IrqReturn::Handled
    }
}

pub fn request<'d>(
    card: &'d Card,
    line: irq::IrqRequest<'d>,
    binding: &mut BoundScope<'d>,
    task: &TaskCx,
) -> Result {
    binding.request_irq(task, line, irq::Flags::new().no_thread(), c"card", card) //~ ERROR: does not handle interrupts
}
