// SPDX-License-Identifier: GPL-2.0

//! Sleeping flags in a high-resolution timer.

use kalloc::{
    hrtimer::{Expire, Expired, HrTimerRestart, RelativeMode},
    prelude::*,
};
use kernel::time::Monotonic;

type Mode = RelativeMode<Monotonic>;

pub struct Sampler;

impl Expire<Mode> for Sampler {
    fn expired(&self, _timer: &mut Expired<'_, Self, Mode>, cx: &mut IrqCx<'_>) -> HrTimerRestart {
        let _memory = KBox::new(cx.with(GFP_KERNEL), 7u32); //~ ERROR: may sleep
        HrTimerRestart::NoRestart
    }
}
