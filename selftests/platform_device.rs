// SPDX-License-Identifier: GPL-2.0

//! A platform device for the sample driver, which binds to it by name. It is there while this
//! module is.

use kalloc::prelude::*;

#[path = "testdevice.rs"]
mod testdevice;

struct Device {
    _device: testdevice::PlatformDevice,
}

impl kalloc::Module for Device {
    fn init(_module: &'static ThisModule, task: Task) -> Result<Self> {
        Ok(Self {
            _device: testdevice::PlatformDevice::new(&task, c"kalloc_platform")?,
        })
    }
}

// SAFETY: Platform devices may be unregistered on another thread.
unsafe impl Send for Device {}
// SAFETY: Nothing is done with a shared one.
unsafe impl Sync for Device {}

kalloc::module! {
    type: Device,
    name: "platform_device",
    authors: ["The kalloc authors"],
    description: "kalloc tests: a platform device without hardware",
    license: "GPL",
}
