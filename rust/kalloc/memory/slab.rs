// SPDX-License-Identifier: GPL-2.0

//! Slab caches, wraps `struct kmem_cache`.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! The page [Slab caches](pages/slab.html) says more.
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Cache::create`], [`kmem_cache!`](crate::kmem_cache!) | `kmem_cache_create()`, `KMEM_CACHE()` |
//! | [`SlabBox::new`] | `kmem_cache_alloc()` |
//! | [`SlabBox::zeroed`] | `kmem_cache_zalloc()` |
//! | any with [`Grant::on`](crate::gfp::Grant::on) | `kmem_cache_alloc_node()` |
//! | drop of a box | `kmem_cache_free()` |
//! | [`SlabBulk`] | `kmem_cache_alloc_bulk()`, `kmem_cache_free_bulk()` |
//! | [`Cache::shrink`] | `kmem_cache_shrink()` |
//! | [`Cache::destroy`], drop of a cache | `kmem_cache_destroy()` |
//! | [`ConstructedCache`] | a cache with `ctor` |
//! | [`RcuCache`] | `SLAB_TYPESAFE_BY_RCU` |
//!
//! Each box holds a [reference](crate::pooled) to its cache, so a cache has no objects when it is
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
//! # Context
//!
//! `kmem_cache_create()` and `kmem_cache_destroy()` sleep, so [`Cache::create`] and
//! [`Cache::destroy`] take a token of a context that may sleep. A cache may be dropped in any
//! context: a work item destroys it later. Creating a cache and unloading a module wait for that
//! work.

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
pub use raw::{destroy_dropped, DestroyDropped};
pub use rcu::{RcuCache, RcuRef, RcuSlot};
