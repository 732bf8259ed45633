// SPDX-License-Identifier: GPL-2.0

//! A function that must be called in a scope without reclaim, called outside of one.

use kalloc::{context::InNoReclaim, prelude::*};

fn inside<C: InNoReclaim>(_cx: &C) {}

pub fn section(task: &mut TaskCx) {
    task.noio(|cx| inside(cx)) //~ ERROR: must be called inside a `memalloc_noreclaim_save()` scope
}
