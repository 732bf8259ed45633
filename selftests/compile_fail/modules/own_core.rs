// SPDX-License-Identifier: GPL-2.0

//! A crate that is called `core`, for the kernel crate's own macros to use it.

//@error-in-other-file: `core` is ambiguous

#![allow(hidden_glob_reexports)]
extern crate core as real;
extern crate self as core;
pub use real::*;

use kalloc::prelude::{Result, TaskCx};

struct Driver;

impl kalloc::Module for Driver {
    fn init(_module: &'static kernel::ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Driver)
    }
}

kalloc::module! { //~ ERROR: the name `core` is defined multiple times
    type: Driver,
    name: "own_core",
    license: "GPL",
}
