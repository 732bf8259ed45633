// SPDX-License-Identifier: GPL-2.0

//! A handler for lines that stay hard, with the token of those that may be threaded.

use kalloc::{irq, prelude::*};

pub struct Card;

impl irq::Handler<irq::Hard> for Card {
    fn handle(&self, cx: &mut IrqCx<'_>) -> irq::IrqReturn { //~ ERROR: incompatible type
        let _memory = KBox::new(&cx, 7u32);
        irq::IrqReturn::Handled
    }
}
