// SPDX-License-Identifier: GPL-2.0

//! Memory pools: allocation with a reserve, which makes progress when memory is short.
//!
//! C header: [`include/linux/mempool.h`](srctree/include/linux/mempool.h)
//!
//! The page [Memory pools](pages/mempool.html) says more.
//!
//! A pool has a reserve of elements. An allocation first tries the pool's allocator, then the
//! reserve. If it may sleep, it then waits until an element is freed, so it does not fail:
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
//! A thread that holds elements and waits for more may deadlock. Allocate all of them at once with
//! a [`MempoolBulk`], or from separate pools.

mod backing;
mod bulk;
mod element;
mod pool;

pub use backing::{Backing, KmallocBacked, PageBacked, SlabBacked};
pub use bulk::MempoolBulk;
pub use element::{MempoolBox, MempoolMemory};
pub use pool::Mempool;

use crate::{alloc::kmalloc, memory::slab};
use core::mem::size_of;

/// The maximum number of elements in a [`MempoolBulk`]. Their pointers are on the stack of 16 KiB.
pub const MAX_BULK: usize = slab::MAX_BULK;

/// The largest reserve: the kernel stores a pointer to each element in memory of kmalloc.
pub const MAX_MIN_NR: usize = kmalloc::MAX_SIZE / size_of::<usize>();
