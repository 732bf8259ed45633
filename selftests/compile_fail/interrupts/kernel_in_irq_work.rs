// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags in an irq_work.

use kalloc::{irq_work::Run, prelude::*};

pub struct Report;

impl Run for Report {
    fn run(&self, cx: &mut Irq<'_>) {
        let _memory = KBox::new(cx.with(Kernel), 7u32); //~ ERROR: may sleep
    }
}
