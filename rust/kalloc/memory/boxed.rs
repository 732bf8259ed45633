// SPDX-License-Identifier: GPL-2.0

//! [`Box`]: owned memory of kmalloc, vmalloc or kvmalloc.
//!
//! C headers: [`include/linux/slab.h`](srctree/include/linux/slab.h),
//! [`include/linux/vmalloc.h`](srctree/include/linux/vmalloc.h)
//!
//! The pages [kmalloc and its boxes](pages/kmalloc.html) and [vmalloc, kvmalloc, and their
//! boxes](pages/vmalloc.html) say more.
//!
//! | kalloc | [`KBox`] | [`VBox`] | [`KVBox`] |
//! | --- | --- | --- | --- |
//! | [`Box::new`], [`Box::new_uninit`] | `kmalloc()` | `vmalloc()` | `kvmalloc()` |
//! | [`Box::zeroed`] | `kzalloc()` | `vzalloc()` | `kvzalloc()` |
//! | [`Box::new_uninit_slice`], [`Box::from_fn`] | `kmalloc_array()` | `vmalloc_array()` | `kvmalloc_array()` |
//! | [`Box::zeroed_slice`] | `kcalloc()` | `vcalloc()` | `kvcalloc()` |
//! | [`Box::from_slice`] | `kmemdup()` | | `kvmemdup()` |
//! | [`Box::realloc`], [`Box::resize`] | `krealloc()` | `vrealloc()` | `kvrealloc()` |
//! | drop | `kfree()` | `kvfree_atomic()` | `kvfree_atomic()` |
//! | [`Box::free`] | `kfree()` | `vfree()` | `kvfree()` |
//! | [`KBox::free_sensitive`], [`KVBox::free_sensitive`] | `kfree_sensitive()` | | `kvfree_sensitive()` |
//! | any constructor with [`Grant::on`](crate::gfp::Grant::on) | `kmalloc_node()`, … | `vmalloc_node()`, … | `kvmalloc_node()`, … |
//!
//! Every constructor takes a [grant](crate::gfp) with flags that the allocator accepts. A `KBox` is
//! made in every context in which the allocators work: not with [`NmiCx`](crate::context::NmiCx),
//! nor with [`RawCx`](crate::context::RawCx) on `CONFIG_PREEMPT_RT`. A `VBox` or a `KVBox` is made
//! in process context that may sleep. The constructors whose names end in `_nonblocking` make one
//! in atomic context outside interrupts. A box holds an initialised `T`. `Box<MaybeUninit<T>, A>`
//! is uninitialised; [`Box::write`] and pin-init initialise it.
//!
//! # Context
//!
//! Dropping a box takes no token and never sleeps. A box may be dropped in every context in which
//! it can be made, also with a lock held, but not in an NMI handler. With interrupts or preemption
//! disabled on `CONFIG_PREEMPT_RT` a thread frees the memory soon after.

mod every;
mod slice;
mod value;

pub(crate) use slice::bytes;

use crate::{
    alloc::allocator::Allocator,
    contexts::nmi_safe::NmiSafe,
    ground::allocator_types::{
        KVmalloc,
        Kmalloc,
        Vmalloc, //
    },
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// A value in memory of the allocator `A`. Dropping the box frees the memory.
///
/// A driver uses the aliases [`KBox`], [`VBox`] and [`KVBox`]. A box is a pointer: 8 bytes for a
/// sized `T`, and an `Option` of it is no larger. A zero-sized `T` takes no memory.
///
/// ```
/// use kalloc::prelude::*;
///
/// struct Config { ring: u32 }
///
/// fn configure(task: &TaskCx) -> Result<KBox<Config>> {
///     let mut config = KBox::new(task, Config { ring: 64 })?;
///     config.ring *= 2;
///     Ok(config)
/// }
/// ```
///
/// # Invariants
///
/// The pointer is aligned for `T` and valid for reads and writes of an initialised `T`. If the `T`
/// has a size, the pointer is to memory of `A` that the box owns. If the `T` has no size, the
/// address is its alignment, or the address that `A` returned for 0 bytes, which is at most
/// `A::NOTHING`. For kvmalloc that address may also be kmalloc's.
#[repr(transparent)]
pub struct Box<T: ?Sized, A: Allocator>(NonNull<T>, PhantomData<A>);

/// A box of kmalloc memory: for objects up to about a page, in every context in which the
/// allocators work.
#[doc(alias = "kfree")]
pub type KBox<T> = Box<T, Kmalloc>;

/// A box of vmalloc memory: for large allocations that need not be physically contiguous. Made in
/// process context that may sleep.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn firmware(task: &TaskCx, len: usize) -> Result<VBox<[u8]>> {
///     Ok(VBox::zeroed_slice(task, len)?)
/// }
/// ```
#[doc(alias("kvfree_atomic", "vfree_atomic"))]
pub type VBox<T> = Box<T, Vmalloc>;

/// A box of kvmalloc memory: kmalloc, with a fallback to vmalloc. For sizes that may be large. Made
/// in process context that may sleep.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn table(task: &TaskCx, entries: usize) -> Result<KVBox<[u64]>> {
///     Ok(KVBox::zeroed_slice(task, entries)?)
/// }
/// ```
#[doc(alias = "kvfree_atomic")]
pub type KVBox<T> = Box<T, KVmalloc>;

// SAFETY: The box owns the `T`, and any thread may free the memory.
unsafe impl<T: ?Sized + Send, A: Allocator> Send for Box<T, A> {}
// SAFETY: A shared box gives only `&T`.
unsafe impl<T: ?Sized + Sync, A: Allocator> Sync for Box<T, A> {}
// SAFETY: A shared box gives only `&T`, and `T` is `NmiSafe`.
unsafe impl<T: ?Sized + NmiSafe, A: Allocator> NmiSafe for Box<T, A> {}
// The value stays at its address when the box moves.
impl<T: ?Sized, A: Allocator> Unpin for Box<T, A> {}

const _: () = assert!(size_of::<KBox<u8>>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<KVBox<[u8; 64]>>>() == size_of::<usize>());
