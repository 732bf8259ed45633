// SPDX-License-Identifier: GPL-2.0

//! A thread that borrows what may be gone while it runs.

use kalloc::{kthread::{kthread_run, This}, prelude::*};

pub fn misuse(task: &TaskCx) {
    let value = 1u32;
    let borrowed = &value; //~ ERROR: does not live long enough
    drop(kthread_run!(task, c"wrong", move |_task: &mut TaskCx, _this: &This<'_>| *borrowed));
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
