// SPDX-License-Identifier: GPL-2.0

//! A function that must be called inside a NOFS scope, called outside of one.

use kalloc::{context::InNoFs, prelude::*};

fn inside<C: InNoFs>(_cx: &C) {}

pub fn section(task: &mut TaskCx) {
    inside(task); //~ ERROR: must be called inside a NOFS scope
    task.noio(|cx| inside(cx));
}
