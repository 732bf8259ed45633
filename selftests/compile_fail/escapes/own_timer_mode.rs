// SPDX-License-Identifier: GPL-2.0

//! A mode of timers that expire in process context.

use kalloc::{hrtimer::Mode, prelude::*};

struct Mine;

//~vv ERROR: is not satisfied
//~v ERROR: not all trait items implemented, missing
impl Mode for Mine {
    type Context<'a> = TaskCx;
}
