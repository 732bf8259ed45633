// SPDX-License-Identifier: GPL-2.0

//! The bare pointer is used when the device has gone.

//@ignore-target: linux-7-2

use kalloc::prelude::*;
use kernel::{device::{Bound, Device}, faux};

pub fn last(task: &TaskCx, registration: faux::Registration) -> Result<u32> {
    let device: &faux::Device<Bound> = registration.as_ref();
    let dev: &Device<Bound> = device.as_ref();
    let value = Devm::new(task, dev, 1u32)?.into_mut();
    drop(registration); //~ ERROR: cannot move out of `registration`
    Ok(*value)
}
