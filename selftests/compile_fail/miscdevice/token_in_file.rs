// SPDX-License-Identifier: GPL-2.0

//! The token of `open`, kept in what is behind the file.

use kalloc::{miscdevice::{MiscDevice, MiscDeviceRegistration}, prelude::*};
use kernel::{fs::File, sync::Arc};

pub struct Wrong(&'static mut TaskCx);

#[vtable]
impl MiscDevice for Wrong {
    type Ptr = Arc<Self>; //~ ERROR: cannot be sent between threads safely
    //~^ ERROR: cannot be shared between threads safely
    type Data = ();

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>, task: &mut TaskCx) -> Result<Arc<Self>> {
        drop(Wrong(task)); //~ ERROR: lifetime may not live long enough
        Err(EINVAL)
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
