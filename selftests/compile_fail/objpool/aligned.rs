// SPDX-License-Identifier: GPL-2.0

//! Objects lie behind an array of pointers, and are aligned as these.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

#[repr(align(64))]
pub struct Line(pub u8);

pub fn make(task: &TaskCx) -> Result<ObjPool<Line>> {
    ObjPool::new(task, 8, |_| Line(0))
}
