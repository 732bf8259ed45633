// SPDX-License-Identifier: GPL-2.0

//! The node is that of the device.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn make<'bound>(task: &TaskCx, dev: &'bound Device<Bound>, node: Node) -> Result<Devm<'bound, u32>> {
    Ok(Devm::new(task.on(node), dev, 1)?)
}
