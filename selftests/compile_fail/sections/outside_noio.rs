// SPDX-License-Identifier: GPL-2.0

//! A function that must be called inside a NOIO scope, called in a NOFS scope.

use kalloc::{context::InNoIo, prelude::*};

fn inside<C: InNoIo>(_cx: &C) {}

pub fn section(task: &mut TaskCx) {
    task.nofs(|cx| inside(cx)) //~ ERROR: must be called inside a NOIO scope
}
