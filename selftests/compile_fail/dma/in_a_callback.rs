// SPDX-License-Identifier: GPL-2.0

//! What is called back at any time, also if its owner is forgotten, has memory that goes with the binding.

use kalloc::dma::{CoherentView, DmaPoolRef};
use kalloc::prelude::*;
use kalloc::{irq_work, timer};
use kernel::io::Io;
use kernel::sync::Mutex;

pub struct Watch<'bound> {
    pub status: CoherentView<'bound, u32>,
}

impl timer::Expire for Watch<'_> {
    //~^ ERROR: lifetime bound not satisfied
    //~| ERROR: cannot infer an appropriate lifetime
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<kernel::time::Jiffies> {
        (self.status.read_val() != 0).then_some(1)
    }
}

/// It is filled later, when the work item is there already.
pub struct Later<'bound> {
    pub pool: Mutex<Option<DmaPoolRef<'bound, u32>>>,
}

impl irq_work::Run for Later<'_> {
    //~^ ERROR: lifetime bound not satisfied
    //~| ERROR: cannot infer an appropriate lifetime
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}
