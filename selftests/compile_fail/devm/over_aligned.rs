// SPDX-License-Identifier: GPL-2.0

//! An alignment that the kernel does not give.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

#[repr(align(64))]
pub struct Line(pub [u8; 64]);

pub fn make<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, Line>> {
    Ok(Devm::new(task, dev, Line([0; 64]))?)
}
