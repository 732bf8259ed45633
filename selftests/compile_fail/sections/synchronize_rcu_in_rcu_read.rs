// SPDX-License-Identifier: GPL-2.0

//! A wait for oneself: the token around the RCU read side used to wait for it to end.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) {
    //~v ERROR: cannot borrow
    task.rcu_read(|_guard, _cx| task.synchronize_rcu()) //~ ERROR: closure requires unique access
}
