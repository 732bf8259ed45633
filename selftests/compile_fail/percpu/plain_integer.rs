// SPDX-License-Identifier: GPL-2.0

//! An integer that others read by reference does not change under them.

use kalloc::prelude::*;

pub fn count(counter: &PerCpu<u64>) {
    counter.this_cpu().inc(); //~ ERROR: no method named `inc`
}
