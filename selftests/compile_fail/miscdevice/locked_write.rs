// SPDX-License-Identifier: GPL-2.0

//! A file operation that sleeps with a spinlock held.

use kalloc::{miscdevice::{MiscDevice, MiscDeviceRegistration}, prelude::*};
use kernel::{fs::{File, Kiocb}, iov::IovIterSource, sync::Arc};
use kernel::sync::SpinLock;

pub struct Wrong;

fn lock() -> &'static SpinLock<u32> {
    loop {}
}

#[vtable]
impl MiscDevice for Wrong {
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
        task.locked(lock(), |value, _cx| drop(KBox::new(&task, *value))); //~ ERROR: cannot borrow
        Ok(iov.len())
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
    authors: ["The kalloc authors"],
    description: "A module",
    license: "GPL",
}
