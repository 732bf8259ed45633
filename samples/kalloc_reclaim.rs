// SPDX-License-Identifier: GPL-2.0

//! A buffer of `BUF_SIZE` bytes with `GFP_ATOMIC`: the first example of every text on kmalloc.
//!
//! In C:
//!
//! ```c
//! char *buf;
//! buf = kmalloc(BUF_SIZE, GFP_ATOMIC);
//! if (!buf)
//!         /* error allocating memory ! */
//! kfree(buf);
//! ```

use kalloc::prelude::*;

const BUF_SIZE: usize = 512;

struct First;

impl kalloc::Module for First {
    fn init(_module: &'static ThisModule, task: Task) -> Result<Self> {
        let Ok(buf) = KBox::<[u8; BUF_SIZE]>::zeroed(task.with(GfpAtomic)) else {
            pr_err!("error allocating memory!\n");
            return Err(ENOMEM);
        };
        pr_info!("{} bytes of GFP_ATOMIC memory\n", buf.len());
        // `kfree(buf)` is the end of its scope: it cannot be forgotten, done twice or be followed by a use.
        Ok(First)
    }
}

kalloc::module! {
    type: First,
    name: "kalloc_reclaim",
    authors: ["The kalloc authors"],
    description: "kalloc sample: a buffer with GFP_ATOMIC",
    license: "GPL",
}
