// SPDX-License-Identifier: GPL-2.0

//! A token as the default value of a type, or as zeroes.

use kalloc::prelude::*;

pub fn escape(task: &TaskCx) -> Result<KBox<TaskCx>> {
    Ok(KBox::zeroed(task)?) //~ ERROR: not satisfied
}
