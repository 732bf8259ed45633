// SPDX-License-Identifier: GPL-2.0

//! A crate that is called `core`, and `module!` within a module.

//@error-in-other-file: `core` is ambiguous

#![allow(hidden_glob_reexports)]
extern crate core as real;
extern crate self as core;
pub use real::*;

mod within {
    use kalloc::prelude::*;

    pub struct Driver;

    impl kalloc::Module for Driver {
        fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
            Ok(Driver)
        }
    }

    kalloc::module! {
        type: Driver,
        name: "own_core_within",
        license: "GPL",
    }
}
