// SPDX-License-Identifier: GPL-2.0

//! Process context used with the RCU read side held by a guard.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    section!(_held = task, rcu_read_lock());
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
