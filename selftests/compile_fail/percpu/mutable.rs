// SPDX-License-Identifier: GPL-2.0

//! An interrupt comes in between: what is pinned is shared.

use kalloc::prelude::*;

pub fn count(task: &mut TaskCx, counter: &PerCpu<u64>) {
    counter.pin(task, |counter, _cx| *counter += 1); //~ ERROR: cannot assign to `*counter`
}
