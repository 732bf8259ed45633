// SPDX-License-Identifier: GPL-2.0

//! Large allocations: vmalloc for what is always large, kvmalloc for what may be.
//!
//! `insmod kalloc_large.ko entries=1000000` makes a table of that length.

use kalloc::prelude::*;

/// Always large, and never seen by a device: `vzalloc(1 << 20)`.
const LOG_SIZE: usize = 1 << 20;

struct Driver {
    log: VBox<[u8; LOG_SIZE]>,
    table: KVBox<[u64]>,
}

impl kalloc::Module for Driver {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        // Linux 7.2 gives a reference to the parameter, newer ones its value.
        let entries = usize::clone(&module_parameters::entries.value());

        let mut log = VBox::<[u8; LOG_SIZE]>::zeroed(&task)?;
        log[LOG_SIZE - 1] = 1;

        // `kvcalloc(entries, sizeof(u64), GFP_KERNEL)`: a product that overflows, or is more than
        // there is, is an error too. Up to a page it is of kmalloc.
        let Ok(table) = KVBox::<[u64]>::zeroed_slice(&task, entries) else {
            pr_err!("no memory for entries={}\n", entries);
            return Err(ENOMEM);
        };
        pr_info!("{} bytes of log, {} entries\n", log.len(), table.len());
        Ok(Driver { log, table })
    }

    fn exit(self, _task: &mut TaskCx) {
        let Driver { log, table } = &self;
        let used = table.iter().filter(|&&entry| entry != 0).count();
        pr_info!(
            "{} entries used, the log ends with {}\n",
            used,
            log[LOG_SIZE - 1]
        );
    }
}

kalloc::module! {
    type: Driver,
    name: "kalloc_large",
    authors: ["The kalloc authors"],
    description: "kalloc sample: large memory",
    license: "GPL",
    params: {
        entries: usize {
            default: 10_000,
            description: "Length of the table",
        },
    },
}
