// SPDX-License-Identifier: GPL-2.0

//! A handler that is gone while its line is still requested.

use kalloc::{driver::BoundScope, irq, prelude::*};

pub struct Card(u32);

impl irq::Handler for Card {
    fn handle(&self, _cx: &mut IrqCx<'_>) -> irq::IrqReturn {
        irq::IrqReturn::Handled
    }
}

pub fn request<'d>(
    line: irq::IrqRequest<'d>,
    binding: &mut BoundScope<'d>,
    task: &TaskCx,
) -> Result {
    let card = Card(1);
    binding.request_irq(task, line, irq::Flags::new(), c"card", &card) //~ ERROR: does not live long enough
}
