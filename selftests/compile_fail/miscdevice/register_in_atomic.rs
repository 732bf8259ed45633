// SPDX-License-Identifier: GPL-2.0

//! Registers a device with a spinlock held.

use kalloc::{miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration, MiscRegistration}, prelude::*};
use kernel::{fs::File, sync::Arc};

pub struct Right;

#[vtable]
impl MiscDevice for Right {
    type Ptr = Arc<Self>;
    type Data = ();

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>, task: &mut TaskCx) -> Result<Arc<Self>> {
        Ok(Arc::new_with(&task, Self)?)
    }
}

pub fn misuse(cx: &AtomicCx<'_>) {
    let options = MiscDeviceOptions { name: c"right" };
    let _device = MiscRegistration::<Right>::new(cx, options, ()); //~ ERROR: this may sleep, which
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
