// SPDX-License-Identifier: GPL-2.0

//! A module that is one driver.

//@check-pass

use kalloc::{platform, prelude::*};
use kernel::device::Core;

struct Right;

impl platform::Driver for Right {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        _task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        Err(EPROBE_DEFER)
    }
}

kalloc::module_platform_driver! {
    type: Right,
    name: "right",
    authors: ["The kalloc authors"],
    description: "A module that is one driver",
    license: "GPL",
}
