// SPDX-License-Identifier: GPL-2.0

//! A timer that waits in its own callback until it does not run.

use kalloc::{prelude::*, timer::{Expire, Timer}};
use kernel::{sync::Arc, time::Jiffies};

pub struct Other;

impl Expire for Other {
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<Jiffies> {
        None
    }
}

pub struct Watchdog(Arc<Timer<Other>>);

impl Expire for Watchdog {
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
        self.0.cancel_sync(cx); //~ ERROR: may sleep
        None
    }
}
