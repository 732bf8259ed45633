// SPDX-License-Identifier: GPL-2.0

//! An end of the module that does not drop its value, which is pinned: its memory is freed all the same.

use kalloc::prelude::*;

struct Wrong;

impl kalloc::InPlaceModule for Wrong {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Wrong)
    }

    unsafe fn end(_this: *mut Self, _task: &mut TaskCx) {} //~ ERROR: has 2 parameters but the declaration in trait `end` has 3
}

kalloc::module! {
    type: Wrong,
    name: "end_overridden",
    license: "GPL",
}
