// SPDX-License-Identifier: GPL-2.0

//! A line that stays disabled until a thread has run that there is not.

use kalloc::{driver::BoundScope, irq, prelude::*};

pub struct Card;

impl irq::Handler<irq::Hard> for Card {
    fn handle(&self, _cx: &mut RawCx<'_>) -> irq::IrqReturn {
        irq::IrqReturn::Handled
    }
}

pub fn request<'d>(
    card: &'d Card,
    line: irq::IrqRequest<'d>,
    binding: &mut BoundScope<'d>,
    task: &TaskCx,
) -> Result {
    binding.request_irq(task, line, irq::Flags::new().oneshot(), c"card", card) //~ ERROR: mismatched types
}
