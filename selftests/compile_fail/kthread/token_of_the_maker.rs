// SPDX-License-Identifier: GPL-2.0

//! A thread that takes the token of its maker along.

use kalloc::{kthread::{kthread_run, This}, prelude::*};

pub fn misuse(task: TaskCx) {
    let maker = &task;
    let _thread = kthread_run!(maker, c"wrong", move |_task: &mut TaskCx, _this: &This<'_>| { //~ ERROR: cannot be shared between threads safely
        drop(KBox::new(maker, 1u32));
    });
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
