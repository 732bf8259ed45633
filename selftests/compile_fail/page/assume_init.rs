// SPDX-License-Identifier: GPL-2.0

//! Nobody but `unsafe` claims that memory is initialised.

use kalloc::prelude::*;

pub fn claim(task: &TaskCx) -> Result<FreePages> {
    Ok(FreePages::new_uninit(task, Order)?.assume_init()) //~ ERROR: call to unsafe function
}
