// SPDX-License-Identifier: GPL-2.0

//! A module of the kernel crate's trait, as it was before the driver used kalloc.

use kalloc::prelude::*;

struct Wrong;

impl kernel::Module for Wrong {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Wrong)
    }
}

kalloc::module! { //~ ERROR: is no module of kalloc
    type: Wrong,
    name: "wrong",
    license: "GPL",
}
