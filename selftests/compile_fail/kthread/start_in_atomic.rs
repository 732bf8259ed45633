// SPDX-License-Identifier: GPL-2.0

//! Starts a thread with a spinlock held.

use kalloc::{kthread::{kthread_run, This}, prelude::*};

pub fn misuse(cx: &mut AtomicCx<'_>) {
    drop(kthread_run!(cx, c"wrong", |_task: &mut TaskCx, _this: &This<'_>| ())); //~ ERROR: this may sleep, which
}

pub struct Example;

impl kalloc::Module for Example {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Example)
    }
}

kalloc::module! {
    type: Example,
    name: "example",
    authors: ["The kalloc authors"],
    description: "A module",
    license: "GPL",
}
