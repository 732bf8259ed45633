// SPDX-License-Identifier: GPL-2.0

//! A module that is one driver, with pools.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

struct Wrong;

impl platform::Driver for Wrong {
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

kalloc::module_platform_driver! { //~ ERROR: `module_pci_driver!` have none
    type: Wrong,
    name: "wrong",
    pools: { static Requests: kalloc::slab::Cache<u64> = kalloc::slab::Args::new(c"request"); },
    authors: ["The kalloc authors"],
    description: "A module that is one driver",
    license: "GPL",
}
