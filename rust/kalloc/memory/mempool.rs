// SPDX-License-Identifier: GPL-2.0

//! Memory pools: allocation that makes progress when there is no memory.
//!
//! C header: [`include/linux/mempool.h`](srctree/include/linux/mempool.h)
//!
//! A pool has a reserve of elements. An allocation first asks the allocator behind the pool, then
//! takes from the reserve, and then, where it may sleep, waits until an element comes back. So it
//! does not fail there:
//!
//! ```
//! use kalloc::mempool::{Mempool, MempoolBox};
//! use kalloc::prelude::*;
//!
//! struct Request { sector: u64 }
//!
//! fn example(task: &mut TaskCx) -> Result {
//!     let pool = Mempool::<Request>::kmalloc(&task, 4)?;
//!     let mut request = MempoolBox::new(&task, &pool, Request { sector: 0 });
//!     request.sector = 8;
//!     Ok(())
//! }
//! ```
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Mempool::kmalloc`] | `mempool_create_kmalloc_pool()` |
//! | [`Mempool::slab`] | `mempool_create_slab_pool()` |
//! | [`Mempool::pages`] | `mempool_create_page_pool()` |
//! | [`MempoolBox::new`], [`MempoolBox::try_new`] | `mempool_alloc()` |
//! | [`MempoolBox::preallocated`] | `mempool_alloc_preallocated()` |
//! | drop of a box | `mempool_free()` |
//! | [`MempoolBulk`] | `mempool_alloc_bulk()`, `mempool_free_bulk()` |
//! | [`Mempool::resize`] | `mempool_resize()` |
//! | drop of a pool | `mempool_destroy()` |
//!
//! A thread that has elements and waits for more can wait for ever: take them all at once, with
//! [`MempoolBulk`], or in another pool.

mod backing;
mod bulk;
mod element;
mod pool;

pub use backing::{Backing, KmallocBacked, PageBacked, SlabBacked};
pub use bulk::MempoolBulk;
pub use element::{MempoolBox, MempoolMemory};
pub use pool::Mempool;

use crate::{
    alloc::kmalloc,
    memory::slab::{
        self, //
    },
};
use core::mem::size_of;

/// The most elements of a [`MempoolBulk`]: their pointers are on the stack, which has 16 KiB.
pub const MAX_BULK: usize = slab::MAX_BULK;

/// The largest reserve: the kernel keeps a pointer to each element in memory of kmalloc.
pub const MAX_MIN_NR: usize = kmalloc::MAX_SIZE / size_of::<usize>();
