// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{kthread::{kthread_run, Kthread, This}, prelude::*};

pub fn start(task: &mut TaskCx, value: KBox<u32>) -> Result<Kthread<KBox<u32>>> {
    kthread_run!(task, c"ok", move |task: &mut TaskCx, this: &This<'_>| {
        while !this.should_stop() {
            this.sleep(&task, 100);
            helper(task);
        }
        value
    })
}

fn helper(task: &mut TaskCx) {
    drop(KBox::new(&task, 1u32));
}

pub fn stop(task: &mut TaskCx, thread: Kthread<KBox<u32>>) -> Result<KBox<u32>> {
    thread.stop(task)
}

/// In any context.
pub fn abandon(_cx: &mut AtomicCx<'_>, thread: Kthread<KBox<u32>>) {
    drop(thread);
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
