// SPDX-License-Identifier: GPL-2.0

//! [`Box`]: memory of kmalloc, vmalloc or kvmalloc that has an owner.
//!
//! C headers: [`include/linux/slab.h`](srctree/include/linux/slab.h),
//! [`include/linux/vmalloc.h`](srctree/include/linux/vmalloc.h)
//!
//! | kalloc | [`KBox`] | [`VBox`] | [`KVBox`] |
//! | --- | --- | --- | --- |
//! | [`Box::new`], [`Box::new_uninit`] | `kmalloc()` | `vmalloc()` | `kvmalloc()` |
//! | [`Box::zeroed`] | `kzalloc()` | `vzalloc()` | `kvzalloc()` |
//! | [`Box::new_uninit_slice`], [`Box::from_fn`] | `kmalloc_array()` | `vmalloc_array()` | `kvmalloc_array()` |
//! | [`Box::zeroed_slice`] | `kcalloc()` | `vcalloc()` | `kvcalloc()` |
//! | [`Box::from_slice`] | `kmemdup()` | | `kvmemdup()` |
//! | [`Box::realloc`], [`Box::resize`] | `krealloc()` | `vrealloc()` | `kvrealloc()` |
//! | drop | `kfree()` | `vfree_atomic()` | `kvfree_atomic()` |
//! | [`Box::free`] | `kfree()` | `vfree()` | `kvfree()` |
//! | [`KBox::free_sensitive`], [`KVBox::free_sensitive`] | `kfree_sensitive()` | | `kvfree_sensitive()` |
//! | any constructor with [`Grant::on`] | `kmalloc_node()`, … | `vmalloc_node()`, … | `kvmalloc_node()`, … |
//!
//! Every constructor takes a [grant](crate::gfp), whose flags are those that the allocator accepts.
//! A `KBox` is made in every context in which the allocators work: not with
//! [`NmiCx`](crate::context::NmiCx), nor with [`RawCx`](crate::context::RawCx) on `CONFIG_PREEMPT_RT`. A
//! `VBox` or a `KVBox` is made where the code may sleep, and by the constructors whose names end in
//! `_nonblocking` where it must not and is not an interrupt. A box holds an initialised `T`;
//! `Box<MaybeUninit<T>, A>` is the state before, and [`Box::write`] and pin-init lead from one to
//! the other.
//!
//! Dropping a box takes no token and never sleeps. It is legal wherever the box can be made, and with
//! a lock held; the kernel forbids it in an NMI handler. With interrupts or preemption disabled on
//! `CONFIG_PREEMPT_RT` the memory is freed soon after, by a thread.

mod every;
mod slice;
mod value;

pub(crate) use slice::bytes;

use crate::{
    alloc::allocator::Allocator,
    contexts::nmi_safe::NmiSafe,
    flags::gfp::Gfp,
    ground::allocators::{
        KVmalloc,
        Kmalloc,
        Vmalloc, //
    },
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

/// A value in memory of the allocator `A`, which is freed when the box is dropped.
///
/// [`KBox`], [`VBox`] and [`KVBox`] are what a driver names. A box is a pointer: 8 bytes for a sized
/// `T`, and an `Option` of it is no larger. A `T` of no size takes no memory.
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
/// The pointer is aligned for `T` and valid for reads and writes of a `T`, which is initialised.
/// Where the `T` has a size it is memory of `A` that the box owns. Where it has none its address is
/// its alignment, or what `A` gave for no bytes, which is at most `A::NOTHING`; for kvmalloc it may be
/// what kmalloc gave, too.
#[repr(transparent)]
pub struct Box<T: ?Sized, A: Allocator>(NonNull<T>, PhantomData<A>);

/// A box of kmalloc: for objects up to about a page, in every context in which the allocators work.
pub type KBox<T> = Box<T, Kmalloc>;

/// A box of vmalloc: for large memory that need not be physically contiguous, made where the code
/// may sleep.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn firmware(task: &TaskCx, len: usize) -> Result<VBox<[u8]>> {
///     Ok(VBox::zeroed_slice(task, len)?)
/// }
/// ```
pub type VBox<T> = Box<T, Vmalloc>;

/// A box of kvmalloc: of kmalloc where it has the memory, and of vmalloc where it has not. For a
/// size that may be large, made where the code may sleep.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn table(task: &TaskCx, entries: usize) -> Result<KVBox<[u64]>> {
///     Ok(KVBox::zeroed_slice(task, entries)?)
/// }
/// ```
pub type KVBox<T> = Box<T, KVmalloc>;

// SAFETY: The box owns the `T`, and memory may be freed on another thread.
unsafe impl<T: ?Sized + Send, A: Allocator> Send for Box<T, A> {}
// SAFETY: A shared box gives no more than `&T`.
unsafe impl<T: ?Sized + Sync, A: Allocator> Sync for Box<T, A> {}
// SAFETY: Shared it gives `&T`, of a `T` that is.
unsafe impl<T: ?Sized + NmiSafe, A: Allocator> NmiSafe for Box<T, A> {}
// The value does not move with the box.
impl<T: ?Sized, A: Allocator> Unpin for Box<T, A> {}

const _: () = assert!(size_of::<KBox<u8>>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<KVBox<[u8; 64]>>>() == size_of::<usize>());

/// Fails the build where `A` cannot give memory for a `T`, or not keep the promise of `F`.
const fn fits<T, A: Allocator, F: Gfp>() {
    assert!(size_of::<T>() <= A::MAX_SIZE, "{}", A::TOO_LARGE);
    assert!(
        !F::NOFAIL || size_of::<T>() <= A::MAX_NOFAIL,
        "{}",
        A::TOO_LARGE_FOR_NOFAIL
    );
}
