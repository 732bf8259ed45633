// SPDX-License-Identifier: GPL-2.0

//! A high-resolution timer that expires in the hard interrupt, with the token of a softirq.

use kalloc::{
    hrtimer::{Expire, Expired, HrTimerRestart, RelativeHardMode},
    prelude::*,
};
use kernel::time::Monotonic;

type Mode = RelativeHardMode<Monotonic>;

pub struct Sampler;

impl Expire<Mode> for Sampler {
    fn expired(&self, _timer: &mut Expired<'_, Self, Mode>, cx: &mut BhCx<'_>) -> HrTimerRestart { //~ ERROR: incompatible type
        let _memory = KBox::new(&cx, 7u32);
        HrTimerRestart::NoRestart
    }
}
