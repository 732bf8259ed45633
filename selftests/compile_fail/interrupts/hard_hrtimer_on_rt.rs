// SPDX-License-Identifier: GPL-2.0

//! Memory in a high-resolution timer that PREEMPT_RT expires in the hard interrupt.

//@only-target: rt

use kalloc::{
    hrtimer::{Expire, Expired, HrTimerRestart, RelativeHardMode},
    prelude::*,
};
use kernel::time::Monotonic;

type Mode = RelativeHardMode<Monotonic>;

pub struct Sampler;

impl Expire<Mode> for Sampler {
    fn expired(&self, _timer: &mut Expired<'_, Self, Mode>, cx: &mut RawCx<'_>) -> HrTimerRestart {
        let _memory = KBox::new(&cx, 7u32); //~ ERROR: no allocator may be called
        HrTimerRestart::NoRestart
    }
}
