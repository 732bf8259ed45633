// SPDX-License-Identifier: GPL-2.0

//! The device may have another driver, which stays when the code that drops the value has gone.

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn make<'bound>(
    task: &TaskCx,
    parent: &'bound Device<Bound>,
    value: KBox<u32>,
) -> Result<Devm<'bound, KBox<u32>>> {
    Ok(Devm::new_with_drop(task, parent, value)?) //~ ERROR: mismatched types
}
