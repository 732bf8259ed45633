// SPDX-License-Identifier: GPL-2.0

//! Another thread is not on the read side of this one.

use kalloc::{prelude::*, sync::ReadSide};

fn elsewhere(_: impl Send) {}

pub fn send(task: &mut TaskCx) {
    task.rcu_read(|side: &ReadSide, _cx| elsewhere(side)); //~ ERROR: cannot be shared between threads safely
}
