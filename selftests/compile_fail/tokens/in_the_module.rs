// SPDX-License-Identifier: GPL-2.0

//! Process context kept for the callbacks of a module.

use kalloc::prelude::*;

struct Keeper(&'static mut TaskCx);

//~vv ERROR: cannot be sent between threads safely
//~v ERROR: cannot be shared between threads safely
impl kalloc::Module for Keeper {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        Ok(Keeper(task)) //~ ERROR: lifetime may not live long enough
    }
}
