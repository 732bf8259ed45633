// SPDX-License-Identifier: GPL-2.0

//! A line that is triggered by an edge and by a level.

use kalloc::irq::Flags;

pub fn flags() {
    let _ = Flags::new().rising().high(); //~ ERROR: no method named `high`
}
