// SPDX-License-Identifier: GPL-2.0

//! A driver written for the kernel crate: only its signatures have to change.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

pub struct Wrong;

impl platform::Driver for Wrong {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>, //~ ERROR: has 2 parameters but the declaration in trait
        _id_info: Option<&'bound ()>,
    ) -> impl PinInit<Self, Error> + 'bound {
        Ok(Wrong)
    }
}
