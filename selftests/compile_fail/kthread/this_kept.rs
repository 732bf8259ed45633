// SPDX-License-Identifier: GPL-2.0

//! A thread that hands out what only it may ask.

use kalloc::{kthread::{kthread_run, This}, prelude::*};

pub fn misuse(task: &TaskCx) {
    drop(kthread_run!(task, c"wrong", |_task: &mut TaskCx, this: &This<'_>| keep(this))); //~ ERROR: borrowed data escapes outside of closure
    //~^ ERROR: borrowed data escapes outside of closure
}

fn keep(_this: &'static This<'static>) {}

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
