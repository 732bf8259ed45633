// SPDX-License-Identifier: GPL-2.0

//! A promise of memory where it may not be allowed to wait for it.

use kalloc::{checked::Checked, prelude::*};

pub fn number() {
    let _grant = Checked.with(GFP_KERNEL.nofail()); //~ ERROR: cannot guarantee
}
