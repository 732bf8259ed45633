// SPDX-License-Identifier: GPL-2.0

//! [`Devm`]: managed memory, which the kernel frees when the device is unbound.
//!
//! C header: [`include/linux/device/devres.h`](srctree/include/linux/device/devres.h)
//!
//! The page [Device memory](pages/devm.html) says more.
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
//! As in C, dropping a `Devm` frees nothing. When the device is unbound, and when its probe fails,
//! the kernel first drops the driver's data and then releases the device's resources in reverse
//! order. So a `Devm<'bound, T>` is valid for all of `'bound`, in the driver's data and during its
//! drop too. The I2C core releases the resources of its devices before that. They get no `Devm`:
//! each constructor fails, and the log says why.
//!
//! A value without drop glue takes one `devm_kmalloc()`. [`Devm::new_with_drop`] and the like make
//! a value with drop glue: one devres entry holds its memory and its drop, so the device never has
//! one without the other. Such a value is `'static`: the kernel could release another `Devm` that
//! it borrowed from before it.
//!
//! # Context
//!
//! The kernel takes a `spinlock_t` with interrupts disabled and calls kmalloc: a `Devm` is made and
//! freed in every context in which the allocators work. It is dropped in any context.
//!
//! # Cost
//!
//! Each allocation has a header of about 56 bytes. To free or to move one the kernel searches the
//! device's list.

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

/// The alignment of every allocation in bytes: that of `unsigned long long` on most architectures.
///
/// The memory follows the kernel's header, in memory of kmalloc, at a multiple of
/// `ARCH_DMA_MINALIGN`.
pub const MAX_ALIGN: usize = if KALLOC_CONST_ARCH_DMA_MINALIGN < kmalloc::MIN_ALIGN {
    KALLOC_CONST_ARCH_DMA_MINALIGN
} else {
    kmalloc::MIN_ALIGN
};

/// The largest allocation in bytes: kmalloc's, less a page for the kernel's header.
pub const MAX_SIZE: usize = kmalloc::MAX_SIZE - PAGE_SIZE;

/// The header of a value with drop glue.
struct Glue {
    drop: unsafe fn(*mut c_void),
}

/// The offset of the value in its entry.
const VALUE: usize = size_of::<Glue>().next_multiple_of(MAX_ALIGN);

/// A value in managed memory of a bound device.
///
/// It is two pointers, one of them to the device. [`Devm::into_mut`] gives a plain pointer, as C
/// has it.
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
/// `memory` is aligned for `T`, valid for reads and writes of an initialised `T` for `'bound`, and
/// owned by this alone. The kernel releases the resources of `device` after `'bound`.
///
/// - If `T` has drop glue, `T: Sized`, and `memory` is at the offset `VALUE` in memory of
///   `__devres_alloc_node()` that was added to `device` with `release`. A `Glue` of `T` is at its
///   beginning.
/// - If not, it is memory of `devm_kmalloc()` of `device`, unless the `T` has no size.
pub struct Devm<'bound, T: ?Sized> {
    memory: NonNull<T>,
    device: &'bound Device<Bound>,
    // Invariant in `T`: the value is dropped as the type that it was made with.
    _value: PhantomData<&'bound mut T>,
}

// SAFETY: It owns the `T`, and a lock protects the devres list.
unsafe impl<T: ?Sized + Send> Send for Devm<'_, T> {}
// SAFETY: A shared `Devm` gives only `&T`.
unsafe impl<T: ?Sized + Sync> Sync for Devm<'_, T> {}
// The value stays at its address when the `Devm` moves.
impl<T: ?Sized> Unpin for Devm<'_, T> {}

/// The `struct device` of `dev`.
fn raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is a transparent wrapper of `struct device`, in an `Opaque`.
    ptr::from_ref(dev).cast_mut().cast()
}

/// Whether the kernel releases the resources of `dev` before it drops the driver's data, so that a
/// `Devm` would not be valid for all of `'bound`. The I2C core does, in `i2c_device_remove()`. Logs
/// it.
#[inline(always)]
#[cfg(CONFIG_I2C = "y")]
fn ends_before_data(dev: &Device<Bound>) -> bool {
    // SAFETY: `dev` is a valid device, and a bound device keeps its bus.
    let bus = unsafe { (*raw(dev)).bus };
    if ptr::eq(bus, &raw const bindings::i2c_bus_type) {
        warn_ends_before_data(dev);
        return true;
    }
    false
}

/// The kernel crate has no I2C drivers.
#[inline(always)]
#[cfg(not(CONFIG_I2C = "y"))]
fn ends_before_data(_dev: &Device<Bound>) -> bool {
    false
}

#[cold]
#[inline(never)]
#[cfg(CONFIG_I2C = "y")]
fn warn_ends_before_data(dev: &Device<Bound>) {
    kernel::dev_warn!(
        dev,
        "kalloc: the I2C core frees devm memory before the driver's data is dropped: use a KBox\n"
    );
}

/// Fails the build for a `T`, a size or a grant that devm does not support.
const fn fits<T, G: Grant>(size: usize) {
    assert!(
        align_of::<T>() <= MAX_ALIGN,
        "devm memory is aligned to devm::MAX_ALIGN bytes and no more; use a KBox"
    );
    assert!(size <= MAX_SIZE, "larger than devm::MAX_SIZE; use a VBox");
    assert!(!G::ON_NODE, "devm memory is of the node of its device");
}

/// Fails the build if a `T` has drop glue.
const fn has_no_drop<T>() {
    assert!(
        !needs_drop::<T>(),
        "devm does not drop the value; use `Devm::new_with_drop` or `Devm::pin_init_with_drop`"
    );
}

/// As [`fits`], for one `T` without drop glue.
// What evaluates it for a `T` that may have drop glue is not inlined: only then does the compiler's error name the driver's line.
const fn fits_plain<T, G: Grant>() {
    has_no_drop::<T>();
    fits::<T, G>(size_of::<T>());
}

/// As [`fits`], for an [`Entry`] of a `T`.
const fn fits_entry<T, G: Grant>() {
    assert!(
        needs_drop::<T>(),
        "there is nothing to drop; use `Devm::new` or `Devm::pin_init`"
    );
    fits::<T, G>(VALUE + size_of::<T>());
}

/// Wraps `devm_kmalloc()`. Dangling for 0 bytes. `None` for a device that [`ends_before_data`].
#[inline(always)]
fn alloc<T, G: Grant>(_grant: G, dev: &Device<Bound>, bytes: usize) -> Option<NonNull<T>> {
    if ends_before_data(dev) {
        return None;
    }
    if bytes == 0 {
        return Some(NonNull::dangling());
    }
    // SAFETY: The device is bound. The grant proves that the flags are legal in this context, and
    // kmalloc accepts them. The callers have checked that `bytes` is at most `MAX_SIZE`, beyond
    // which kmalloc warns.
    let memory = unsafe { bindings::devm_kmalloc(raw(dev), bytes, G::Flags::BITS) };
    NonNull::new(memory.cast())
}
