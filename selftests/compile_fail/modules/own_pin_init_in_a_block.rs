// SPDX-License-Identifier: GPL-2.0

//! A crate that is called `pin_init`, and `module!` within a block.

//@error-in-other-file: `pin_init` is ambiguous

extern crate self as pin_init;

use kalloc::prelude::{Result, TaskCx};

pub trait PinInit {}

pub fn raw_try_init<T, I>(_place: *mut T, _init: I) -> Result {
    Ok(())
}

struct Driver;

impl kalloc::Module for Driver {
    fn init(_module: &'static kernel::ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Driver)
    }
}

const _: () = {
    kalloc::module! {
        type: Driver,
        name: "own_pin_init_in_a_block",
        license: "GPL",
    }
};
