// SPDX-License-Identifier: GPL-2.0

//! Pools that stand after the name.

use kalloc::{
    prelude::*,
    slab::SlabBox,
};

struct Wrong;

impl kalloc::Module for Wrong {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        SlabBox::new(&task, Requests, 1u64)?; //~ ERROR: cannot find value `Requests`
        Ok(Wrong)
    }
}

kalloc::module! { //~ ERROR: `pools` follows `type`
    type: Wrong,
    name: "wrong",
    pools: {
        static Requests: kalloc::slab::Cache<u64> = kalloc::slab::Args::new(c"request");
    },
    license: "GPL",
}
