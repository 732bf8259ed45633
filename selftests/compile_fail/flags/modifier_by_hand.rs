// SPDX-License-Identifier: GPL-2.0

//! A modifier around flags that may not have it.

use kalloc::{gfp::NoFail, prelude::*};

pub fn flags(cx: &AtomicCx<'_>) {
    let _ = cx.with(NoFail(GfpAtomic)); //~ ERROR: private
}
