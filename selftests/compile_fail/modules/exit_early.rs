// SPDX-License-Identifier: GPL-2.0

//! Exit, which gets process context, run where a spinlock may be held.

use kalloc::prelude::*;

struct Wrong;

impl kalloc::Module for Wrong {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Wrong)
    }

    fn exit(self, task: &mut TaskCx) {
        drop(KBox::new(&task, 1u32));
    }
}

pub fn misuse(_cx: &mut AtomicCx<'_>) {
    drop(__kalloc_module::Exit { module: Wrong }); //~ ERROR: cannot find struct
}

kalloc::module! {
    type: Wrong,
    name: "exit_early",
    authors: ["The kalloc authors"],
    description: "A module",
    license: "GPL",
}
