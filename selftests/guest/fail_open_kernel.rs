// SPDX-License-Identifier: GPL-2.0

//! A module of the kernel crate's `module!` whose init fails while a file of its misc device is open: the
//! end of the module waits until it is closed.

use core::{
    mem::ManuallyDrop,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};
use kalloc::{
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration, MiscRegistration},
    prelude::*,
};
use kernel::fs::File;

#[allow(unreachable_pub)]
#[path = "../lib/testlib.rs"]
mod testlib;

static RELEASED: AtomicBool = AtomicBool::new(false);

struct Open;

#[vtable]
impl MiscDevice for Open {
    type Ptr = Pin<KBox<Self>>;
    type Data = ();

    fn open(
        _file: &File,
        _misc: &MiscDeviceRegistration<Self>,
        task: &mut TaskCx,
    ) -> Result<Self::Ptr> {
        Ok(KBox::pin(&task, Open)?)
    }

    fn release(_device: Self::Ptr, _file: &File, _task: &mut TaskCx) {
        RELEASED.store(true, Relaxed);
    }
}

struct Fails;

impl kernel::Module for Fails {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: The kernel runs a module's init in process context, and this is the only token there.
        let task = unsafe { TaskCx::assume() };
        let options = MiscDeviceOptions {
            name: c"kalloc_fail_open",
        };
        // Nobody takes it away but the end of the module.
        let _device = ManuallyDrop::new(MiscRegistration::<Open>::new(&task, options, ())?);
        // SAFETY: It sleeps, which init may.
        let err =
            unsafe { testlib::c::testlib_open_for(c"/dev/kalloc_fail_open".as_char_ptr(), 300) };
        if err != 0 {
            return Err(Error::from_errno(err));
        }
        if RELEASED.load(Relaxed) {
            return Err(EINVAL);
        }
        Err(ENODEV)
    }
}

kernel::prelude::module! {
    type: Fails,
    name: "fail_open_kernel",
    authors: ["The kalloc authors"],
    description: "Does not load",
    license: "GPL",
}
