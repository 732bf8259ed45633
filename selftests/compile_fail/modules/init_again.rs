// SPDX-License-Identifier: GPL-2.0

//! Init, which gets process context, run again where a spinlock may be held.

use kalloc::prelude::*;

struct Wrong;

impl kalloc::Module for Wrong {
    fn init(_module: &'static ThisModule, task: Task) -> Result<Self> {
        drop(KBox::new(&task, 1u32)?);
        Ok(Wrong)
    }
}

pub fn misuse(cx: &mut Atomic<'_>, module: &'static ThisModule) {
    let init = <__kalloc_module::KallocModule as kernel::InPlaceModule>::init(module); //~ ERROR: is private
    drop(KBox::pin_init(&cx, init));
}

kalloc::module! {
    type: Wrong,
    name: "again",
    authors: ["The kalloc authors"],
    description: "A module",
    license: "GPL",
}
