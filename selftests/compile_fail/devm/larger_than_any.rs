// SPDX-License-Identifier: GPL-2.0

//! A type larger than `devm::MAX_SIZE`.

//@error-in-other-file: evaluation of

use kalloc::{devm, prelude::*};
use kernel::device::{Bound, Device};

pub type Large = [u8; devm::MAX_SIZE + 1];

pub fn make<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, Large>> {
    Ok(Devm::zeroed(task, dev)?)
}
