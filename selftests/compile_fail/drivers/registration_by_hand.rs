// SPDX-License-Identifier: GPL-2.0

//! A driver registered by the driver itself, which might drop it with a spinlock held.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

pub struct Right;

impl platform::Driver for Right {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        _task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        Ok(Right)
    }
}

pub fn misuse(module: &'static ThisModule) {
    use kalloc::driver::Register;
    let _ = platform::Registration::<Right>::register(c"right", module); //~ ERROR: is unsafe
}
