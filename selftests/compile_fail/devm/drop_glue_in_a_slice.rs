// SPDX-License-Identifier: GPL-2.0

//! Nothing would drop the elements.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn make<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, [KVec<u8>]>> {
    Ok(Devm::from_fn(task, dev, 4, |_| KVec::new())?)
}
