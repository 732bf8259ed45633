// SPDX-License-Identifier: GPL-2.0

//! A work item in another object, which a deref leads to.

use core::ops::Deref;
use kalloc::{prelude::*, work::{impl_has_work, Work, WorkItem}};
use kernel::sync::Arc;

pub struct Inner {
    work: Work<Outer>,
}

pub struct Outer(Arc<Inner>);

impl Deref for Outer {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl_has_work! {
    impl HasWork<Self> for Outer { self.work } //~ ERROR: no field `work` on type `Outer`
}

impl WorkItem for Outer {
    type Pointer = Arc<Self>;
    fn run(_this: Arc<Self>, _task: &mut TaskCx) {}
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
    license: "GPL",
}
