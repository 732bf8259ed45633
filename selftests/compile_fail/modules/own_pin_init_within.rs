// SPDX-License-Identifier: GPL-2.0

//! A crate that is called `pin_init`, and `module!` within a module: the kernel crate's `module!` would
//! call this function, which never calls the init that makes the pools.

//@error-in-other-file: `pin_init` is ambiguous

extern crate self as pin_init;

pub trait PinInit {}

pub fn raw_try_init<T, I>(_place: *mut T, _init: I) -> Result<(), kernel::error::Error> {
    kernel::pr_info!("{}\n", within::Requests.get().object_size());
    Ok(())
}

mod within {
    use kalloc::{prelude::*, slab::{Args, Cache}};

    pub(crate) struct Driver;

    impl kalloc::Module for Driver {
        fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
            Ok(Driver)
        }
    }

    kalloc::module! {
        type: Driver,
        pools: { pub(crate) static Requests: Cache<u64> = Args::new(c"own_pin_init"); },
        name: "own_pin_init_within",
        license: "GPL",
    }

    pub(crate) type Module = __kalloc_module::KallocModule;
}

// What the macros expect at the root.
mod __kalloc_module {
    #[allow(unused_imports)]
    pub(crate) use crate::within::Module as KallocModule;
}
const __LOG_PREFIX: &[u8] = b"own_pin_init_within\0";
