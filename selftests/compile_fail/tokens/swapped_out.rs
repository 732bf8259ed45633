// SPDX-License-Identifier: GPL-2.0

//! The token of a section swapped for one that outlives the section.

use kalloc::prelude::*;

pub fn escape<'a>(task: &mut TaskCx, other: &mut NoFsCx<'a>) {
    //~vv ERROR: escapes
    //~v ERROR: escapes
    task.nofs(|cx| core::mem::swap(cx, other));
}
