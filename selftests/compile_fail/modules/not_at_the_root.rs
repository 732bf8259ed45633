// SPDX-License-Identifier: GPL-2.0

//! `module!` within a module, where the names that it declares are not those that macros use.

use kalloc::prelude::*;

pub struct Driver;

impl kalloc::Module for Driver {
    fn init(_module: &'static ThisModule, _task: Task) -> Result<Self> {
        Ok(Driver)
    }
}

mod within {
    use super::*;

    kalloc::module! { //~ ERROR: could not find `__kalloc_module` in the crate root
        type: Driver,
        name: "not_at_the_root",
        license: "GPL",
    }
}
