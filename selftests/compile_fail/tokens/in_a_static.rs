// SPDX-License-Identifier: GPL-2.0

//! Process context for everyone.

use kalloc::prelude::*;
use kernel::sync::SetOnce;

//~vv ERROR: cannot be sent between threads safely
//~v ERROR: cannot be shared between threads safely
static TASK: SetOnce<Task> = SetOnce::new();

pub fn escape(task: Task) {
    TASK.populate(task);
}
