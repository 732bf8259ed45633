// SPDX-License-Identifier: GPL-2.0

//! The default choice: a small object, zeroed, in process context. `kzalloc(size, GFP_KERNEL)`.
//!
//! In C:
//!
//! ```c
//! struct counters *counters = kzalloc(sizeof(*counters), GFP_KERNEL);
//! if (!counters)
//!         return -ENOMEM;
//! ```

use kalloc::prelude::*;

/// May be made of zeroes alone: the compiler sees that each field may.
#[derive(Zeroable)]
struct Counters {
    packets: u64,
    by_queue: [u32; 16],
}

struct Driver {
    counters: KBox<Counters>,
}

impl kalloc::Module for Driver {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        // `&task` is the grant: process context, so GFP_KERNEL. `?` returns -ENOMEM.
        let mut counters = KBox::<Counters>::zeroed(&task)?;
        counters.by_queue[3] += 1;
        counters.packets += 1;
        Ok(Driver { counters })
    }

    // `kfree()` comes with the driver's end, and with an error of `init` after the allocation.
    fn exit(self, _task: &mut TaskCx) {
        let counters = &self.counters;
        pr_info!(
            "{} packets, {} of queue 3\n",
            counters.packets,
            counters.by_queue[3]
        );
    }
}

kalloc::module! {
    type: Driver,
    name: "kalloc_default",
    authors: ["The kalloc authors"],
    description: "kalloc sample: a small object, zeroed",
    license: "GPL",
}
