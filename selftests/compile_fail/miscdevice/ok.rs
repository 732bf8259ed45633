// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration, MiscRegistration}, prelude::*};
use kernel::{fs::{File, Kiocb}, iov::IovIterSource, sync::Arc};

pub struct Right;

#[vtable]
impl MiscDevice for Right {
    type Ptr = Arc<Self>;
    type Data = ();

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>, task: &mut TaskCx) -> Result<Arc<Self>> {
        Ok(Arc::new_with(&task, Self)?)
    }

    fn write_iter(
        _kiocb: Kiocb<'_, Arc<Self>>,
        iov: &mut IovIterSource<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        drop(KBox::new(&task, 1u32)?);
        Ok(iov.len())
    }
}

pub fn register(task: &TaskCx) -> Result<MiscRegistration<Right>> {
    MiscRegistration::new(task, MiscDeviceOptions { name: c"right" }, ())
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
    authors: ["The kalloc authors"],
    description: "A module",
    license: "GPL",
}
