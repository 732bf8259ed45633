// SPDX-License-Identifier: GPL-2.0

//! Process context used on the RCU read side.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    task.rcu_read(|_guard, _cx| Ok(KBox::new(&task, 1)?)) //~ ERROR: cannot borrow
}
