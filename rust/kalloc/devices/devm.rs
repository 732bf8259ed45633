// SPDX-License-Identifier: GPL-2.0

//! [`Devm`]: memory that the kernel frees when the device loses its driver.
//!
//! C header: [`include/linux/device/devres.h`](srctree/include/linux/device/devres.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Devm::new`], [`Devm::new_uninit`] | `devm_kmalloc()` |
//! | [`Devm::zeroed`] | `devm_kzalloc()` |
//! | [`Devm::new_uninit_slice`], [`Devm::from_fn`] | `devm_kmalloc_array()` |
//! | [`Devm::zeroed_slice`] | `devm_kcalloc()` |
//! | [`Devm::from_slice`] | `devm_kmemdup()` |
//! | [`Devm::kstrdup`], [`Devm::kasprintf`] | `devm_kstrdup()`, `devm_kasprintf()` |
//! | [`Devm::realloc`], [`Devm::resize`] | `devm_krealloc()` |
//! | [`Devm::free`] | `devm_kfree()` |
//! | [`Devm::new_with_drop`], [`Devm::pin_init_with_drop`] | `devres_alloc()` with a release function, `devres_add()` |
//! | [`Devm::free`] of these | `devres_release()` |
//!
//! As in C, nothing is freed by hand: to drop a `Devm` is to forget the pointer. When the device is
//! unbound, and when its probe fails, at whatever point, the kernel drops the driver's data first
//! and then releases what devm gave, the last first. So a `Devm<'bound, T>` is good for all of
//! `'bound`, in the driver's data too and while that is dropped, and nothing can reach it after.
//!
//! A value whose memory is all there is to free costs one `devm_kmalloc()`. One that has to be
//! dropped is made by [`Devm::new_with_drop`] and its like: its memory and its drop are one entry
//! in the device's list, so there is no moment at which the device has one without the other. It is
//! `'static`, since another `Devm` that it borrowed from could be gone before it.
//!
//! **Contexts.** The kernel takes a `spinlock_t` with interrupts off and calls kmalloc: a `Devm` is
//! made and freed in every context in which the allocators work. It is dropped in any.
//!
//! **Cost.** Each allocation has the kernel's header of some 56 bytes in front of it, and to free
//! or to move one the kernel looks through the device's list.

mod drop;
mod every;
mod slice;
mod string;
mod value;

use crate::flags::gfp::Gfp;
use crate::{
    alloc::kmalloc,
    contexts::grant::Grant, //
};
use core::{
    marker::PhantomData,
    mem::needs_drop,
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    ffi::c_void,
    page::PAGE_SIZE, //
};

/// The alignment that every allocation has, in bytes: that of `unsigned long long`, on most
/// processors.
///
/// In front of the memory is a header of the kernel that it aligns to `ARCH_DMA_MINALIGN`, in memory
/// of kmalloc.
pub const MAX_ALIGN: usize = if KALLOC_CONST_ARCH_DMA_MINALIGN < kmalloc::MIN_ALIGN {
    KALLOC_CONST_ARCH_DMA_MINALIGN
} else {
    kmalloc::MIN_ALIGN
};

/// The largest allocation in bytes: that of kmalloc, less a page that is enough for the kernel's
/// header.
pub const MAX_SIZE: usize = kmalloc::MAX_SIZE - PAGE_SIZE;

/// What is in front of a value that has to be dropped.
struct Glue {
    drop: unsafe fn(*mut c_void),
}

/// Where such a value is.
const VALUE: usize = size_of::<Glue>().next_multiple_of(MAX_ALIGN);

/// A value in memory that belongs to a bound device, and to its driver until it is unbound.
///
/// It is two pointers, the other being to the device; [`Devm::into_mut`] gives C's one.
///
/// ```
/// use kalloc::{devm::Devm, prelude::*};
/// use kernel::device::{Bound, Device};
///
/// struct State {
///     ring: u32,
/// }
///
/// fn state<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, State>> {
///     let mut state = Devm::new(task, dev, State { ring: 64 })?;
///     state.ring *= 2;
///     Ok(state)
/// }
/// ```
///
/// # Invariants
///
/// `memory` is aligned for `T` and valid for reads and writes of a `T`, which is initialised, for
/// `'bound`; nobody else has it. It is
///
/// - at `VALUE` in memory of `__devres_alloc_node()` that was added to `device` with `release`,
///   where the `T` has drop glue; then `T: Sized`, and a `Glue` of `T` is in front of it.
/// - where not, memory of `devm_kmalloc()` of `device`, unless the `T` has no size.
pub struct Devm<'bound, T: ?Sized> {
    memory: NonNull<T>,
    device: &'bound Device<Bound>,
    // Invariant in `T`: at its end a value is dropped as what it was made.
    _value: PhantomData<&'bound mut T>,
}

// SAFETY: It owns the `T`, and devres has a lock.
unsafe impl<T: ?Sized + Send> Send for Devm<'_, T> {}
// SAFETY: A shared `Devm` gives no more than `&T`.
unsafe impl<T: ?Sized + Sync> Sync for Devm<'_, T> {}
// The value does not move with it.
impl<T: ?Sized> Unpin for Devm<'_, T> {}

/// The kernel's name of the device.
fn raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is a transparent wrapper of `struct device`, in an `Opaque`.
    ptr::from_ref(dev).cast_mut().cast()
}

/// Fails the build where devm cannot give memory of that size, for a `T`.
const fn fits<T, G: Grant>(size: usize) {
    assert!(
        align_of::<T>() <= MAX_ALIGN,
        "devm memory is aligned to devm::MAX_ALIGN bytes and no more; use a KBox"
    );
    assert!(size <= MAX_SIZE, "larger than devm::MAX_SIZE; use a VBox");
    assert!(!G::ON_NODE, "devm memory is of the node of its device");
}

/// Fails the build where a `T` has drop glue.
const fn has_no_drop<T>() {
    assert!(
        !needs_drop::<T>(),
        "nothing would drop the value; use `Devm::new_with_drop` or `Devm::pin_init_with_drop`"
    );
}

/// As [`fits`], for a `T` of its own size without drop glue.
const fn fits_plain<T, G: Grant>() {
    has_no_drop::<T>();
    fits::<T, G>(size_of::<T>());
}

/// As [`fits`], for a `T` that an [`Entry`] holds.
const fn fits_entry<T, G: Grant>() {
    assert!(
        needs_drop::<T>(),
        "there is nothing to drop; use `Devm::new` or `Devm::pin_init`"
    );
    fits::<T, G>(VALUE + size_of::<T>());
}

/// Wraps `devm_kmalloc(dev, bytes, F)`, but for no bytes at all.
#[inline(always)]
fn alloc<T, G: Grant>(_grant: G, dev: &Device<Bound>, bytes: usize) -> Option<NonNull<T>> {
    if bytes == 0 {
        return Some(NonNull::dangling());
    }
    // SAFETY: The device is bound. The flags are legal in this context, which is what the grant
    // says, and are those that kmalloc accepts.
    let memory = unsafe { bindings::devm_kmalloc(raw(dev), bytes, G::Flags::BITS) };
    NonNull::new(memory.cast())
}
