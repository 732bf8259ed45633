// SPDX-License-Identifier: GPL-2.0

//! The token of probe, kept in the driver's data, where every thread would have it.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

pub struct Wrong {
    _task: &'static mut TaskCx,
}

impl platform::Driver for Wrong {
    type IdInfo = ();
    type Data<'bound> = Self; //~ ERROR: cannot be sent between threads safely

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        Ok(Wrong { _task: task }) //~ ERROR: lifetime may not live long enough
    }
}
