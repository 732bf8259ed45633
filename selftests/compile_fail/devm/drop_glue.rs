// SPDX-License-Identifier: GPL-2.0

//! Nothing would drop the value.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn make<'bound>(
    task: &TaskCx,
    dev: &'bound Device<Bound>,
    value: KBox<u32>,
) -> Result<Devm<'bound, KBox<u32>>> {
    Ok(Devm::new(task, dev, value)?)
}
