// SPDX-License-Identifier: GPL-2.0

//! A module whose init fails: what it has dropped is gone before its pools are. It loads if it finds
//! another token.

use kalloc::{
    prelude::*,
    slab::{Args, Cache, SlabBox},
    timer::{Expire, Timer},
};
use kernel::time::Jiffies;

struct Fails;

impl kalloc::Module for Fails {
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        if Self::again(module) != Err(EBUSY) {
            return Ok(Self);
        }
        let number = SlabBox::new(&task, Numbers, 7)?;
        // Dropped here, and its number by a work item.
        Timer::new(&task, Holds(number))?.start(1);
        Err(ENODEV)
    }
}

/// Has the module initialised.
trait Again {
    fn again(module: &'static ThisModule) -> Result;
}

struct Holds(SlabBox<u64, Numbers>);

impl Expire for Holds {
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<Jiffies> {
        None
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        kernel::time::delay::fsleep(kernel::time::Delta::from_millis(200));
        pr_info!("# the number was {}\n", *self.0);
    }
}

kalloc::module! {
    type: Fails,
    pools: {
        static Numbers: Cache<u64> = {
            // Where this stands the type is in reach that the kernel initialises.
            #[allow(non_local_definitions)]
            impl Again for Fails {
                fn again(module: &'static ThisModule) -> Result {
                    <__kalloc_module::KallocModule as kernel::Module>::init(module).map(drop)
                }
            }
            Args::new(c"kalloc_fail_init").no_merge()
        };
    },
    name: "fail_init",
    authors: ["The kalloc authors"],
    description: "Does not load",
    license: "GPL",
}
