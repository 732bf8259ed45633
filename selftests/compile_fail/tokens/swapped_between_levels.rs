// SPDX-License-Identifier: GPL-2.0

//! The token of a section swapped for that of the context around it.

use kalloc::prelude::*;

pub fn escape(task: &mut TaskCx, other: &mut TaskCx) {
    task.rcu_read(|_guard, cx| core::mem::swap(cx, other)); //~ ERROR: mismatched types
}
