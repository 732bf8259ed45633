// SPDX-License-Identifier: GPL-2.0

//! Process context kept for the callbacks of a module.

use kalloc::prelude::*;

struct Keeper(Task);

impl kalloc::Module for Keeper { //~ ERROR: cannot be sent between threads safely
    //~^ ERROR: cannot be shared between threads safely
    fn init(_module: &'static ThisModule, task: Task) -> Result<Self> {
        Ok(Keeper(task))
    }
}
