// SPDX-License-Identifier: GPL-2.0

//! A timer that may run after what it borrows.

use kalloc::{prelude::*, timer::Expire};
use kernel::time::Jiffies;

pub struct Watchdog<'a>(&'a u32);

impl Expire for Watchdog<'_> { //~ ERROR: cannot infer an appropriate lifetime
    //~^ ERROR: lifetime bound not satisfied
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<Jiffies> {
        Some(*self.0 as Jiffies)
    }
}
