// SPDX-License-Identifier: GPL-2.0

//! A crate that is called `kernel`, for the kernel crate's own macros to be the driver's.

//@error-in-other-file: `kernel` is ambiguous

extern crate kernel as real;
extern crate self as kernel;
pub use real::*;

use kalloc::prelude::{Result, TaskCx};

struct Driver;

impl kalloc::Module for Driver {
    fn init(_module: &'static real::ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Driver)
    }
}

kalloc::module! { //~ ERROR: the name `kernel` is defined multiple times
    type: Driver,
    name: "own_kernel",
    license: "GPL",
}
