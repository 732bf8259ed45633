// SPDX-License-Identifier: GPL-2.0

//! A misc device with data that it may outlive, if it is leaked.

use kalloc::{miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration, MiscRegistration}, prelude::*};
use kernel::fs::File;

pub struct Open<'d>(core::marker::PhantomData<&'d u32>);

#[vtable]
impl<'d> MiscDevice for Open<'d> {
    type Ptr = Pin<KBox<u32>>;
    type Data = &'d u32;

    fn open(_file: &File, misc: &MiscDeviceRegistration<Self>, task: &mut TaskCx) -> Result<Self::Ptr> {
        Ok(KBox::pin(&task, **misc.data())?)
    }
}

pub fn escape(task: &TaskCx, data: &u32) -> Result {
    core::mem::forget(MiscRegistration::<Open<'_>>::new(task, MiscDeviceOptions { name: c"open" }, data)?); //~ ERROR: borrowed data escapes outside of function
    Ok(())
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
