// SPDX-License-Identifier: GPL-2.0

//! The dearer form, for a value that needs none.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;
use kernel::device::{Core, Device};

pub fn make<'bound>(task: &TaskCx, dev: &'bound Device<Core<'_>>) -> Result<Devm<'bound, u32>> {
    Ok(Devm::new_with_drop(task, dev, 1)?)
}
