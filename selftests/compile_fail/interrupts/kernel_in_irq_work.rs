// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags in an irq_work.

use kalloc::{irq_work::Run, prelude::*};

pub struct Report;

impl Run for Report {
    fn run(&self, cx: &mut IrqCx<'_>) {
        let _memory = KBox::new(cx.with(GFP_KERNEL), 7u32); //~ ERROR: may sleep
    }
}
