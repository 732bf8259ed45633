// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags in a timer.

use kalloc::{prelude::*, timer::Expire};
use kernel::time::Jiffies;

pub struct Watchdog;

impl Expire for Watchdog {
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
        let _memory = KBox::new(cx.with(GFP_KERNEL), 7u32); //~ ERROR: may sleep
        None
    }
}
