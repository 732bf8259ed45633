// SPDX-License-Identifier: GPL-2.0

//! A driver keeps a value for longer than the device is bound.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

pub struct State(pub Devm<'static, u32>);

pub struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = State;

    fn probe<'bound>(
        dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<State, Error> {
        //~vv ERROR: borrowed data escapes
        //~v ERROR: borrowed data escapes
        Ok::<_, Error>(State(Devm::new(&task, dev.as_ref(), 1)?))
    }
}
