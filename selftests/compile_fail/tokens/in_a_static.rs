// SPDX-License-Identifier: GPL-2.0

//! Process context for everyone.

use kalloc::prelude::*;
use kernel::sync::SetOnce;

static TASK: SetOnce<Task> = SetOnce::new(); //~ ERROR: cannot be sent between threads safely
//~^ ERROR: cannot be shared between threads safely

pub fn escape(task: Task) {
    TASK.populate(task);
}
