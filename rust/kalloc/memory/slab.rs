// SPDX-License-Identifier: GPL-2.0

//! Slab caches: many objects of one type.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Cache::create`], [`kmem_cache!`](crate::kmem_cache!) | `kmem_cache_create()`, `KMEM_CACHE()` |
//! | [`SlabBox::new`] | `kmem_cache_alloc()` |
//! | [`SlabBox::zeroed`] | `kmem_cache_zalloc()` |
//! | any with [`Grant::on`] | `kmem_cache_alloc_node()` |
//! | drop of a box | `kmem_cache_free()` |
//! | [`SlabBulk`] | `kmem_cache_alloc_bulk()`, `kmem_cache_free_bulk()` |
//! | [`Cache::shrink`] | `kmem_cache_shrink()` |
//! | [`Cache::destroy`], drop of a cache | `kmem_cache_destroy()` |
//! | [`ConstructedCache`] | a cache with `ctor` |
//! | [`RcuCache`] | `SLAB_TYPESAFE_BY_RCU` |
//!
//! Each box has an [owner](crate::pooled) of its cache, so a cache has no objects left when it is
//! destroyed:
//!
//! ```
//! use kalloc::prelude::*;
//! use kalloc::slab::{Args, Cache, SlabBox};
//!
//! struct Request { sector: u64 }
//!
//! fn example(task: &TaskCx) -> Result {
//!     let cache = Cache::create(task, &Args::new(c"request").hwcache_align())?;
//!     let request = SlabBox::new(task, &cache, Request { sector: 8 })?;
//!     pr_info!("{}\n", request.sector);
//!     drop(request);
//!     cache.destroy(task);
//!     Ok(())
//! }
//! ```
//!
//! `kmem_cache_create()` and `kmem_cache_destroy()` sleep, so creating a cache takes a token that
//! may, and so does [`Cache::destroy`]. A cache that is dropped, which can be anywhere, is handed
//! to a work item that destroys it soon; creating a cache and unloading a module wait for that.

mod args;
mod bulk;
mod cache;
mod constructed;
mod raw;
mod rcu;

pub use args::{name, Args};
pub use bulk::{SlabBulk, MAX_BULK};
pub use cache::{Cache, SlabBox};
pub use constructed::{Construct, Constructed, ConstructedBox, ConstructedCache};
pub use raw::{flush, Flush};
pub use rcu::{RcuCache, RcuRef, RcuSlot};
