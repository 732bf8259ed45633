// SPDX-License-Identifier: GPL-2.0

//! The token of probe, kept in a static.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

static KEPT: kernel::sync::SetOnce<&'static mut TaskCx> = kernel::sync::SetOnce::new(); //~ ERROR: cannot be shared between threads safely
//~^ ERROR: cannot be sent between threads safely

pub struct Wrong;

impl platform::Driver for Wrong {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        KEPT.populate(task); //~ ERROR: borrowed data escapes
        Ok(Wrong)
    }
}
