// SPDX-License-Identifier: GPL-2.0

//! An order made without a check.

use kalloc::prelude::*;

pub fn order() -> AnyOrder {
    AnyOrder(11) //~ ERROR: private
}
