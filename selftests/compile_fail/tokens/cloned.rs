// SPDX-License-Identifier: GPL-2.0

//! Two tokens from one.

use kalloc::prelude::*;

pub fn escape(task: &TaskCx) -> TaskCx {
    task.clone() //~ ERROR: mismatched types
}
