// SPDX-License-Identifier: GPL-2.0

//! A thread that returns its token to who stops it.

use kalloc::{kthread::{kthread_run, This}, prelude::*};

pub fn misuse(task: &TaskCx) {
    let _thread = kthread_run!(task, c"wrong", |task: &mut TaskCx, _this: &This<'_>| task); //~ ERROR: cannot be sent between threads safely
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
