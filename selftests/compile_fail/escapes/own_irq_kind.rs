// SPDX-License-Identifier: GPL-2.0

//! A kind of interrupt whose handler gets process context.

use kalloc::{irq, prelude::*};

struct Mine;

//~vv ERROR: is not satisfied
//~v ERROR: not all trait items implemented, missing
impl irq::Kind for Mine {
    type Context<'a> = TaskCx;
}
