// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::prelude::*;

struct Right(KBox<u32>);

impl kalloc::Module for Right {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        Ok(Right(KBox::new(&task, 1)?))
    }

    fn exit(self, task: &mut TaskCx) {
        if let Ok(last) = KBox::new(&task, *self.0) {
            pr_info!("{}\n", *last);
        }
    }
}

kalloc::module! {
    type: Right,
    name: "ok",
    authors: ["The kalloc authors"],
    description: "A module",
    license: "GPL",
}
