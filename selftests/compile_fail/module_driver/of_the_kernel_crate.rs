// SPDX-License-Identifier: GPL-2.0

//! A driver of the kernel crate's trait, as it was before it used kalloc.

use kalloc::prelude::*;
use kernel::{device::Core, platform};

struct Wrong;

impl platform::Driver for Wrong {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
    ) -> impl PinInit<Self, Error> + 'bound {
        Err(EPROBE_DEFER)
    }
}

//~vv ERROR: is no platform driver of kalloc
//~v ERROR: is no platform driver of kalloc
kalloc::module_platform_driver! {
    type: Wrong,
    name: "wrong",
    license: "GPL",
}
