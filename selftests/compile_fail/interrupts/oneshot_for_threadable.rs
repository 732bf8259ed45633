// SPDX-License-Identifier: GPL-2.0

//! A line that stays disabled until the thread has run: the kernel keeps its hard half hard.

use kalloc::{driver::BoundScope, irq, prelude::*};

pub struct Card;

impl irq::ThreadedHandler for Card {
    fn handle_threaded(&self, _task: &mut TaskCx) -> irq::IrqReturn {
        irq::IrqReturn::Handled
    }
}

pub fn request<'d>(
    card: &'d Card,
    line: irq::IrqRequest<'d>,
    binding: &mut BoundScope<'d>,
    task: &TaskCx,
) -> Result {
    binding.request_threaded_irq(task, line, irq::Flags::new().oneshot(), c"card", card) //~ ERROR: does not handle interrupts
}
