// SPDX-License-Identifier: GPL-2.0

//! A crate that is called `kernel`, and `module!` within a module.

//@error-in-other-file: `kernel` is ambiguous

extern crate kernel as real;
extern crate self as kernel;
pub use real::*;

mod within {
    use kalloc::prelude::{Result, TaskCx};

    pub struct Driver;

    impl kalloc::Module for Driver {
        fn init(_module: &'static crate::real::ThisModule, _task: &mut TaskCx) -> Result<Self> {
            Ok(Driver)
        }
    }

    kalloc::module! {
        type: Driver,
        name: "own_kernel_within",
        license: "GPL",
    }
}
