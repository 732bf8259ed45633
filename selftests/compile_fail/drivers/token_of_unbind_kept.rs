// SPDX-License-Identifier: GPL-2.0

//! The token of unbind, kept beyond the call.

use kalloc::{platform, prelude::*};
use kernel::device::{Bound, Core};

pub struct Wrong;

impl platform::Driver for Wrong {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        _task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        Ok(Wrong)
    }

    fn unbind<'bound>(
        _dev: &'bound kernel::platform::Device<Bound>,
        _this: Pin<&Self>,
        task: &mut TaskCx,
    ) {
        keep(task); //~ ERROR: borrowed data escapes outside of
    }
}

fn keep(_task: &'static mut TaskCx) {}
