// SPDX-License-Identifier: GPL-2.0

//! Requesting a line, which may sleep, with a lock held.

use kalloc::{driver::BoundScope, irq, prelude::*};
use kernel::sync::SpinLock;

pub struct Card;

impl irq::Handler for Card {
    fn handle(&self, _cx: &mut IrqCx<'_>) -> irq::IrqReturn {
        irq::IrqReturn::Handled
    }
}

pub fn request<'d>(
    card: &'d Card,
    line: irq::IrqRequest<'d>,
    binding: &mut BoundScope<'d>,
    lock: &SpinLock<u32>,
    task: &mut TaskCx,
) -> Result {
    task.locked(lock, |_, cx| {
        binding.request_irq(cx, line, irq::Flags::new(), c"card", card) //~ ERROR: may sleep
    })
}
