// SPDX-License-Identifier: GPL-2.0

//! A module whose init fails while a file of its misc device is open: the end of init waits until it is
//! closed, and the pool that the file uses goes after it. A trait in scope answers for the name of that
//! pool, and is not asked.

use kalloc::{
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration, MiscRegistration},
    prelude::*,
    slab::{Args, Cache, SlabBox},
};
use kernel::fs::File;

#[allow(unreachable_pub)]
#[path = "../lib/testlib.rs"]
mod testlib;

struct Open(SlabBox<u64, Numbers>);

#[vtable]
impl MiscDevice for Open {
    type Ptr = Pin<KBox<Self>>;
    type Data = ();

    fn open(
        _file: &File,
        _misc: &MiscDeviceRegistration<Self>,
        task: &mut TaskCx,
    ) -> Result<Self::Ptr> {
        Ok(KBox::pin(&task, Open(SlabBox::new(&task, Numbers, 7)?))?)
    }

    fn release(device: Self::Ptr, _file: &File, _task: &mut TaskCx) {
        pr_info!("# the number was {}\n", *device.0);
    }
}

trait Answers {
    fn get(&self) -> &'static Cache<u64>;
}

impl Answers for Numbers {
    fn get(&self) -> &'static Cache<u64> {
        Others::get(Others)
    }
}

struct Fails;

impl kalloc::Module for Fails {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        let options = MiscDeviceOptions {
            name: c"kalloc_fail_open",
        };
        let _device = MiscRegistration::<Open>::new(&task, options, ())?;
        // SAFETY: It sleeps, which init may.
        let err = unsafe {
            testlib::c::testlib_open_for(
                c"/dev/kalloc_fail_open".as_char_ptr(),
                testlib::series::parameter!(open_for),
            )
        };
        if err != 0 {
            return Err(Error::from_errno(err));
        }
        let numbers = <Numbers as kalloc::pooled::PoolRef<Cache<u64>>>::pool(&Numbers);
        if core::ptr::eq(numbers, Answers::get(&Numbers)) {
            return Err(EINVAL);
        }
        Err(ENODEV)
    }
}

kalloc::module! {
    type: Fails,
    pools: {
        static Numbers: Cache<u64> = Args::new(c"kalloc_fail_open").no_merge();
        static Others: Cache<u64> = Args::new(c"kalloc_fail_other").no_merge();
    },
    name: "fail_open",
    authors: ["The kalloc authors"],
    description: "Does not load",
    license: "GPL",
    params: {
        open_for: u32 {
            default: 300,
            description: "How many milliseconds the file is open",
        },
    },
}
