// SPDX-License-Identifier: GPL-2.0

//! Pools that stand after the name.

use kalloc::prelude::*;

struct Wrong;

impl kalloc::Module for Wrong {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
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
