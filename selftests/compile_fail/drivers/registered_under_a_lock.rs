// SPDX-License-Identifier: GPL-2.0

//! A driver registered by the function that a module's start calls, with a lock held.

use kalloc::{driver::Register, platform, prelude::*};
use kernel::{device::Core, sync::SpinLock};

pub struct Sensor;

impl platform::Driver for Sensor {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        _task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Sensor)
    }
}

pub fn register(task: &mut TaskCx, lock: &SpinLock<u32>, module: &'static ThisModule) -> Result {
    task.locked(lock, |_data, cx| -> Result {
        let driver = <platform::Registration<Sensor> as Register>::register(c"sensor", module); //~ ERROR: call to unsafe function
        core::mem::forget(KBox::pin_init(&cx, driver)?);
        Ok(())
    })
}
