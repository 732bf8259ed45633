// SPDX-License-Identifier: GPL-2.0

//! A work item in memory that does not stay.

use kalloc::work::WorkItemPointer;

struct Borrowed(u32);

impl WorkItemPointer for Borrowed { //~ ERROR: requires an `unsafe impl`
    type Item = u32;
    fn into_raw(mut self) -> *mut u32 {
        &mut self.0
    }
}
