// SPDX-License-Identifier: GPL-2.0

//! Drivers that stand last.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

struct Wrong;

impl kalloc::Module for Wrong {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Wrong)
    }
}

struct Sensor;

impl platform::Driver for Sensor {
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

kalloc::module! { //~ ERROR: `drivers` follows `type` and `pools`
    type: Wrong,
    name: "wrong",
    license: "GPL",
    drivers: { platform: Sensor },
}
