// SPDX-License-Identifier: GPL-2.0

//! Nothing would drop the value when the grace period is over.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn make(task: &TaskCx, value: KBox<u32>) -> Result<RcuBox<KBox<u32>>> {
    Ok(RcuBox::new(task, value)?)
}
