// SPDX-License-Identifier: GPL-2.0

//! `Work` of a type of the driver, said to be for softirqs.

use kalloc::work::{InSoftirq, Work, WorkField};
use kernel::bindings::work_struct;

pub struct Item;

impl WorkField<Item, 7> for Work<Item, 8> { //~ ERROR: requires an `unsafe impl` declaration
    type Kind = InSoftirq;
    fn raw_get(this: *mut Self) -> *mut work_struct {
        this.cast()
    }
    fn from_raw(work: *mut work_struct) -> *mut Self {
        work.cast()
    }
}
