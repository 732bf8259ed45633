// SPDX-License-Identifier: GPL-2.0

//! An open file with the device's data, which it may outlive.

use kalloc::{miscdevice::{MiscDevice, MiscDeviceRegistration}, prelude::*};
use kernel::fs::File;

pub struct Open<'d>(&'d u32);

#[vtable]
impl<'d> MiscDevice for Open<'d> {
    type Ptr = Pin<KBox<Self>>; //~ ERROR: does not fulfill the required lifetime
    type Data = &'d u32;

    fn open(_file: &File, misc: &MiscDeviceRegistration<Self>, task: &mut TaskCx) -> Result<Self::Ptr> {
        Ok(KBox::pin(&task, Open(misc.data()))?)
    }
}

pub struct Example;

impl kalloc::Module for Example {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Example)
    }
}

kalloc::module! {
    type: Example,
    name: "example",
    license: "GPL",
}
