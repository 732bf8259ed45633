// SPDX-License-Identifier: GPL-2.0

//! Aligned to more than a page.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

#[repr(align(8192))]
pub struct Aligned(pub u8);

pub fn make(task: &TaskCx) -> Result<PerCpu<Aligned>> {
    Ok(PerCpu::from_fn(task, |_| Aligned(0))?)
}
