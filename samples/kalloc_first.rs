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
//!
//! `insmod kalloc_first.ko size=4096` takes another size.

use kalloc::{kmalloc, prelude::*};

const BUF_SIZE: usize = 512;

struct First;

impl kalloc::Module for First {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        // Linux 7.2 gives a reference to the parameter, newer ones its value.
        let size = usize::clone(&module_parameters::size.value());
        if !(1..=kmalloc::MAX_SIZE).contains(&size) {
            pr_err!("size={} is not from 1 to {}\n", size, kmalloc::MAX_SIZE);
            return Err(EINVAL);
        }

        let Ok(buf) = KBox::<[u8]>::zeroed_slice(task.with(GFP_ATOMIC), size) else {
            pr_err!("error allocating memory!\n");
            return Err(ENOMEM);
        };
        pr_info!("{} bytes of GFP_ATOMIC memory\n", buf.len());
        // `kfree(buf)` is the end of its scope: it cannot be forgotten, done twice or be followed
        // by a use.
        Ok(First)
    }
}

kalloc::module! {
    type: First,
    name: "kalloc_first",
    authors: ["The kalloc authors"],
    description: "kalloc sample: a buffer with GFP_ATOMIC",
    license: "GPL",
    params: {
        size: usize {
            default: crate::BUF_SIZE,
            description: "Bytes to allocate, at most KMALLOC_MAX_SIZE",
        },
    },
}
