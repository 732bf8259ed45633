// SPDX-License-Identifier: GPL-2.0

//! Readers may have the value: it does not change.

use kalloc::prelude::*;

pub fn write(mut value: RcuBox<u32>) {
    *value = 1; //~ ERROR: cannot assign to data in dereference of
}
