// SPDX-License-Identifier: GPL-2.0

//! A mapping is one of its thread.

use kalloc::{
    kthread::{kthread_run, This},
    page::High,
    prelude::*,
};

pub fn elsewhere(task: &mut TaskCx, pages: &'static Pages<Order<0>, u8, High>) -> Result {
    pages.map_local(task, 0, |bytes, task| -> Result { //~ ERROR: borrowed data escapes outside of closure
        let _thread = kthread_run!(&*task, c"wrong", move |_: &mut TaskCx, _: &This<'_>| bytes[0])?;
        Ok(())
    })?
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
