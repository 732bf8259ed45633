// SPDX-License-Identifier: GPL-2.0

//! A `Cell` is for one thread, and each CPU runs many.

use core::cell::Cell;
use kalloc::prelude::*;

pub fn count(task: &mut TaskCx, counter: &PerCpu<Cell<u64>>) {
    counter.pin(task, |counter, _cx| counter.set(1)); //~ ERROR: cannot be shared between threads safely
}
