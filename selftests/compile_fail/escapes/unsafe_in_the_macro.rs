// SPDX-License-Identifier: GPL-2.0

//! A call that needs `unsafe`, among what the macro has in `unsafe` blocks of its own.

use kalloc::{mempool::Mempool, prelude::*};

const unsafe fn promised() -> usize {
    4
}

pub struct Example;

impl kalloc::Module for Example {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Example)
    }
}

kalloc::module! {
    type: Example,
    pools: { static Reserve: Mempool<u32> = promised(); }, //~ ERROR: call to unsafe function
    name: "example",
    license: "GPL",
}
