// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags in the hard half of a handler with a thread.

use kalloc::{irq, prelude::*};

pub struct Card;

impl irq::ThreadedHandler<irq::Hard> for Card {
    fn handle(&self, cx: &mut RawCx<'_>) -> irq::ThreadedIrqReturn {
        let _memory = KBox::new(cx.with(GFP_KERNEL), 7u32); //~ ERROR: may sleep
        irq::ThreadedIrqReturn::WakeThread
    }

    fn handle_threaded(&self, task: &mut TaskCx) -> irq::IrqReturn {
        let _memory = KBox::new(task.with(GFP_KERNEL), 7u32);
        irq::IrqReturn::Handled
    }
}
