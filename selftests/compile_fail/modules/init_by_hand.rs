// SPDX-License-Identifier: GPL-2.0

//! Init run again where a spinlock may be held, by its own name.

use kalloc::prelude::*;

struct Wrong;

impl kalloc::Module for Wrong {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        drop(KBox::new(&task, 1u32)?);
        Ok(Wrong)
    }
}

pub fn misuse(cx: &mut AtomicCx<'_>, module: &'static ThisModule) {
    let _ = <Wrong as kalloc::Module>::init(module, cx); //~ ERROR: mismatched types
}
