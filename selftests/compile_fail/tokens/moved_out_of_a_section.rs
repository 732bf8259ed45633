// SPDX-License-Identifier: GPL-2.0

//! A token taken out of the reference to it.

use kalloc::prelude::*;

pub fn escape(task: &mut TaskCx) -> TaskCx {
    *task //~ ERROR: cannot move out
}
