// SPDX-License-Identifier: GPL-2.0

//! A grant that asks, used as the token of a context that may sleep.

use kalloc::{checked::Checked, prelude::*};

fn helper<C: MaySleep>(_cx: &C) {}

pub fn callback() {
    helper(&Checked) //~ ERROR: this may sleep
}
