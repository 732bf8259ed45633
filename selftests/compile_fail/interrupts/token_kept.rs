// SPDX-License-Identifier: GPL-2.0

//! A handler that keeps its token.

use kalloc::{irq, prelude::*};
use kernel::sync::SpinLock;

pub struct Card<'a>(SpinLock<Option<&'a mut IrqCx<'a>>>);

impl irq::Handler for Card<'_> { //~ ERROR: cannot be sent between threads
    fn handle(&self, cx: &mut IrqCx<'_>) -> irq::IrqReturn {
        *self.0.lock() = Some(cx); //~ ERROR: lifetime may not live long enough
        //~^ ERROR: lifetime may not live long enough
        //~| ERROR: lifetime may not live long enough
        irq::IrqReturn::Handled
    }
}
