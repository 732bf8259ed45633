// SPDX-License-Identifier: GPL-2.0

//! Process context for everyone.

use kalloc::prelude::*;
use kernel::sync::SetOnce;

//~vv ERROR: cannot be sent between threads safely
//~v ERROR: cannot be shared between threads safely
static TASK: SetOnce<TaskCx> = SetOnce::new();

pub fn escape(task: TaskCx) {
    TASK.populate(task);
}
