// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's prelude, as it was before the driver used kalloc.

use kalloc::context::TaskCx;
use kernel::prelude::*;

struct Wrong(KBox<u32>);

impl kalloc::Module for Wrong {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        //~v ERROR: mismatched types
        Ok(Wrong(KBox::new(&task, 1)?)) //~ ERROR: incompatible types
    }
}

kalloc::module! { //~ ERROR: the kernel crate's prelude instead of kalloc's
    type: Wrong,
    name: "wrong",
    license: "GPL",
}
