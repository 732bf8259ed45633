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

use crate::{
    alloc::kmalloc,
    contexts::{
        grant::Grant,
        traits::MayAlloc, //
    },
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::{
            ForDevm,
            ForDevmRealloc, //
        },
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        needs_drop,
        MaybeUninit, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
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
        Core,
        Device, //
    },
    error::Error,
    ffi::{
        c_char,
        c_int,
        c_void, //
    },
    page::PAGE_SIZE,
    prelude::{
        Init,
        PinInit,
        Zeroable, //
    },
    str::{
        CStr,
        CStrExt as _, //
    },
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

// One value ------------------------------------------------------------------------------------------------------------

impl<'bound, T> Devm<'bound, T> {
    /// Moves `value` into new memory, wraps `devm_kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory. What does not compile is a type with drop
    /// glue, one with an alignment above [`MAX_ALIGN`] or a size above [`MAX_SIZE`], and a grant on
    /// a node: the memory is of the device's.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn number<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, u32>> {
    ///     Ok(Devm::new(task, dev, 7)?)
    /// }
    /// ```
    #[inline]
    pub fn new<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        match Self::allocate(grant, dev) {
            // SAFETY: A `T` has no drop glue.
            Ok(slot) => Ok(unsafe { slot.written(value) }),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory for a `T`, wraps `devm_kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory; see [`Devm::new`] for what does not compile.
    #[inline]
    pub fn new_uninit<G>(
        grant: G,
        dev: &'bound Device<Bound>,
    ) -> Result<Devm<'bound, MaybeUninit<T>>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        Self::allocate(grant, dev)
    }

    /// New memory for a `T` that [`fits`].
    #[inline(always)]
    fn allocate<G: Grant>(
        grant: G,
        dev: &'bound Device<Bound>,
    ) -> Result<Devm<'bound, MaybeUninit<T>>, AllocFailed<G::Flags>> {
        match alloc(grant, dev, size_of::<T>()) {
            // INVARIANT: New memory of `devm_kmalloc()`; and a `MaybeUninit` is always initialised
            // and has no drop glue.
            Some(memory) => Ok(Devm {
                memory,
                device: dev,
                _value: PhantomData,
            }),
            None => Err(G::Flags::failed()),
        }
    }

    /// New memory of zeroes, wraps `devm_kzalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit`].
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn table<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Devm<'bound, [u64; 64]>> {
    ///     Ok(Devm::zeroed(task, dev)?)
    /// }
    /// ```
    #[inline]
    pub fn zeroed<G>(grant: G, dev: &'bound Device<Bound>) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        match Self::allocate(grant.zeroed(), dev) {
            // SAFETY: The memory is zero, which is a `T`, and that has no drop glue.
            Ok(slot) => Ok(unsafe { slot.initialised() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// Initialises a `T` in new memory, which [`Devm::new_uninit`] gives.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns; the memory is freed then.
    #[inline]
    pub fn init<G, E>(
        grant: G,
        dev: &'bound Device<Bound>,
        init: impl Init<T, E>,
    ) -> Result<Self, Error>
    where
        G: Grant<Flags: ForDevm>,
        Error: From<E>,
    {
        const { fits_plain::<T, G>() };
        let slot = Self::allocate(grant, dev)?;
        // SAFETY: The memory is valid for a `T`, and forgotten when `init` fails.
        match unsafe { pin_init::raw_try_init(slot.memory.cast::<T>().as_ptr(), init) } {
            // SAFETY: `init` succeeded, and a `T` has no drop glue.
            Ok(()) => Ok(unsafe { slot.initialised() }),
            Err(error) => {
                slot.end();
                Err(error.into())
            }
        }
    }

    /// Initialises a `T` in new memory that it does not leave, which [`Devm::new_uninit`] gives.
    ///
    /// # Errors
    ///
    /// As [`Devm::init`].
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::{device::{Bound, Device}, new_spinlock, sync::SpinLock};
    ///
    /// #[pin_data]
    /// struct Counter {
    ///     #[pin]
    ///     value: SpinLock<u64>,
    /// }
    ///
    /// fn counter<'bound>(
    ///     task: &TaskCx,
    ///     dev: &'bound Device<Bound>,
    /// ) -> Result<Pin<Devm<'bound, Counter>>> {
    ///     Devm::pin_init(task, dev, pin_init!(Counter { value <- new_spinlock!(0) }))
    /// }
    /// ```
    #[inline]
    pub fn pin_init<G, E>(
        grant: G,
        dev: &'bound Device<Bound>,
        init: impl PinInit<T, E>,
    ) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForDevm>,
        Error: From<E>,
    {
        const { fits_plain::<T, G>() };
        let slot = Self::allocate(grant, dev)?;
        // SAFETY: The memory is valid for a `T`, forgotten when `init` fails, and the value stays
        // there.
        match unsafe { pin_init::raw_try_init(slot.memory.cast::<T>().as_ptr(), init) } {
            // SAFETY: `init` succeeded, and a `T` has no drop glue.
            Ok(()) => Ok(unsafe { slot.initialised() }.into()),
            Err(error) => {
                slot.end();
                Err(error.into())
            }
        }
    }
}

impl<'bound, T> Devm<'bound, MaybeUninit<T>> {
    /// Initialises the memory with `value`.
    ///
    /// Of a type with drop glue it does not compile.
    #[inline]
    pub fn write(self, value: T) -> Devm<'bound, T> {
        const { has_no_drop::<T>() };
        // SAFETY: A `T` has no drop glue.
        unsafe { self.written(value) }
    }

    /// As [`Devm::write`].
    ///
    /// # Safety
    ///
    /// A `T` has no drop glue.
    #[inline(always)]
    unsafe fn written(self, value: T) -> Devm<'bound, T> {
        // SAFETY: By the invariant the memory is valid for writes of a `T`.
        unsafe { self.memory.cast::<T>().write(value) };
        // SAFETY: It was just initialised, and a `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// Claims that the memory is initialised.
    ///
    /// Of a type with drop glue it does not compile.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Devm<'bound, T> {
        const { has_no_drop::<T>() };
        // SAFETY: By the contract of this function, and a `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// As [`Devm::assume_init`].
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`, which has no drop glue.
    #[inline(always)]
    unsafe fn initialised(self) -> Devm<'bound, T> {
        // INVARIANT: The memory is what it was, and initialised by the contract of this function. A
        // `T` has no drop glue.
        Devm {
            memory: self.memory.cast(),
            device: self.device,
            _value: PhantomData,
        }
    }
}

// Values that have to be dropped ---------------------------------------------------------------------------------------

/// Drops the value of an entry.
///
/// It is in this crate's module for every type: devres finds an entry by its release function.
#[inline(never)]
extern "C" fn release(_dev: *mut bindings::device, entry: *mut c_void) {
    // SAFETY: Only entries of `Devm` have this release function: with a `Glue` at the beginning.
    let drop = unsafe { (*entry.cast::<Glue>()).drop };
    // SAFETY: It is that of the value at `VALUE`, which devres releases once.
    unsafe { drop(entry.byte_add(VALUE)) }
}

/// Whether an entry is the one that is looked for.
#[inline(never)]
extern "C" fn is(_dev: *mut bindings::device, entry: *mut c_void, wanted: *mut c_void) -> c_int {
    (entry == wanted).into()
}

/// Drops a `T`.
///
/// # Safety
///
/// As [`ptr::drop_in_place`].
unsafe fn drop_value<T>(value: *mut c_void) {
    // SAFETY: By the contract of this function.
    unsafe { ptr::drop_in_place(value.cast::<T>()) }
}

/// An entry that the device does not have yet, for a `T`. Freed when this is dropped.
///
/// # Invariants
///
/// The pointer is to memory of `__devres_alloc_node()` with [`release`], of [`VALUE`] bytes and the
/// size of a `T`, that was not added to a device, and is ours.
struct Entry<T>(NonNull<c_void>, PhantomData<T>);

impl<T> Entry<T> {
    /// Wraps `devres_alloc_node()`.
    fn new<G: Grant>(_grant: G, dev: &Device<Bound>) -> Result<Self, AllocFailed<G::Flags>> {
        // SAFETY: `dev` is a valid device.
        let node = unsafe { kalloc_helper_dev_to_node(raw(dev)) };
        // SAFETY: The flags are legal in this context, which is what the grant says, and are those
        // that kmalloc accepts. The name is static.
        let entry = unsafe {
            bindings::__devres_alloc_node(
                Some(release),
                VALUE + size_of::<T>(),
                G::Flags::BITS,
                node,
                c"kalloc::Devm".as_char_ptr(),
            )
        };
        // INVARIANT: It was allocated just now.
        match NonNull::new(entry) {
            Some(entry) => Ok(Self(entry, PhantomData)),
            None => Err(G::Flags::failed()),
        }
    }

    /// Where its value is.
    fn value(&self) -> NonNull<T> {
        // SAFETY: By the invariant it is within the memory.
        unsafe { self.0.byte_add(VALUE) }.cast()
    }

    /// Gives the entry to the device, wraps `devres_add()`.
    ///
    /// # Safety
    ///
    /// The value is initialised. A `T` has drop glue.
    unsafe fn add(self, dev: &Device<Bound>) -> Devm<'_, T> {
        let memory = self.value();
        let entry = core::mem::ManuallyDrop::new(self).0;
        // SAFETY: By the invariant of `Entry` it is valid for writes of a `Glue`, which nothing
        // else is.
        unsafe {
            entry.cast().write(Glue {
                drop: drop_value::<T>,
            })
        };
        // SAFETY: By the invariant of `Entry` it is an entry that no device has, and the device is
        // bound.
        unsafe { bindings::devres_add(raw(dev), entry.as_ptr()) };
        // INVARIANT: It was added just now, and the value is initialised by the contract of this
        // function. It is aligned because `VALUE` is a multiple of `MAX_ALIGN`.
        Devm {
            memory,
            device: dev,
            _value: PhantomData,
        }
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        // SAFETY: By the invariant it is an entry that no device has, and is ours.
        unsafe { bindings::devres_free(self.0.as_ptr()) };
    }
}

impl<'bound, T: Send + 'static> Devm<'bound, T> {
    /// Moves `value` into new memory and drops it when the device is unbound, wraps
    /// `devres_alloc_node()` and `devres_add()`.
    ///
    /// The value is `'static`, since what it borrowed could be released before it. It is dropped in
    /// process context, on any thread, or by [`Devm::free`]. The device is that of probe or another
    /// callback of the bus: any that is bound does not do, since its driver may stay when the code
    /// that drops the value is gone.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory. What does not compile is as in
    /// [`Devm::new`], but that here it is a type without drop glue.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Core, Device};
    ///
    /// struct Log {
    ///     lines: KVec<u32>,
    /// }
    ///
    /// fn log<'bound>(task: &TaskCx, dev: &'bound Device<Core<'_>>) -> Result<Devm<'bound, Log>> {
    ///     Ok(Devm::new_with_drop(task, dev, Log { lines: KVec::new() })?)
    /// }
    /// ```
    #[inline]
    pub fn new_with_drop<G>(
        grant: G,
        dev: &'bound Device<Core<'_>>,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_entry::<T, G>() };
        match Entry::new(grant, dev) {
            Ok(entry) => {
                // SAFETY: The entry has room for a `T`.
                unsafe { entry.value().write(value) };
                // SAFETY: It was just initialised, and a `T` has drop glue.
                Ok(unsafe { entry.add(dev) })
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// Initialises a `T` in new memory that it does not leave, and drops it when the device is
    /// unbound: see [`Devm::new_with_drop`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns; the memory is freed then.
    #[inline]
    pub fn pin_init_with_drop<G, E>(
        grant: G,
        dev: &'bound Device<Core<'_>>,
        init: impl PinInit<T, E>,
    ) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForDevm>,
        Error: From<E>,
    {
        const { fits_entry::<T, G>() };
        let entry = Entry::new(grant, dev)?;
        // SAFETY: The entry has room for a `T`, is freed without a look at it when `init` fails, and
        // the value stays there.
        unsafe { pin_init::raw_try_init(entry.value().as_ptr(), init)? };
        // SAFETY: `init` succeeded, and a `T` has drop glue.
        Ok(unsafe { entry.add(dev) }.into())
    }
}

// Slices ---------------------------------------------------------------------------------------------------------------

/// A slice at `memory`.
#[inline(always)]
fn slice<T>(memory: NonNull<T>, len: usize) -> NonNull<[T]> {
    NonNull::slice_from_raw_parts(memory, len)
}

/// The size of `len` elements, which is none that devm could never give.
#[inline(always)]
fn bytes<T, F: Gfp>(len: usize) -> Result<usize, AllocFailed<F>> {
    match size_of::<T>() {
        0 => Ok(0),
        size if len > MAX_SIZE / size => Err(F::failed()),
        size => Ok(len * size),
    }
}

impl<'bound, T> Devm<'bound, [T]> {
    /// New memory for `len` elements, wraps `devm_kmalloc_array()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory, and for more than [`MAX_SIZE`] bytes. What does not
    /// compile is as in [`Devm::new`].
    #[inline]
    pub fn new_uninit_slice<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
    ) -> Result<Devm<'bound, [MaybeUninit<T>]>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        Self::allocate(grant, dev, len)
    }

    /// New memory for `len` elements that [`fits`].
    #[inline(always)]
    fn allocate<G: Grant>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
    ) -> Result<Devm<'bound, [MaybeUninit<T>]>, AllocFailed<G::Flags>> {
        match alloc(grant, dev, bytes::<T, G::Flags>(len)?) {
            // INVARIANT: New memory of `devm_kmalloc()`; and a `MaybeUninit` is always initialised
            // and has no drop glue.
            Some(memory) => Ok(Devm {
                memory: slice(memory, len),
                device: dev,
                _value: PhantomData,
            }),
            None => Err(G::Flags::failed()),
        }
    }

    /// `len` elements of zeroes, wraps `devm_kcalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn ring<'bound>(
    ///     task: &TaskCx,
    ///     dev: &'bound Device<Bound>,
    ///     entries: usize,
    /// ) -> Result<Devm<'bound, [u64]>> {
    ///     Ok(Devm::zeroed_slice(task, dev, entries)?)
    /// }
    /// ```
    #[inline]
    pub fn zeroed_slice<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        match Self::allocate(grant.zeroed(), dev, len) {
            // SAFETY: The memory is zero, which is a `T` in every place, and that has no drop glue.
            Ok(memory) => Ok(unsafe { memory.initialised() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// `len` elements, each made by `f` from its index, in memory that
    /// [`Devm::new_uninit_slice`] gives.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    #[inline]
    pub fn from_fn<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        len: usize,
        f: impl FnMut(usize) -> T,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        let memory = Self::allocate(grant, dev, len)?;
        // SAFETY: Before the first there is none, and a `T` has no drop glue.
        Ok(unsafe { memory.fill_with(0, f) })
    }

    /// A copy of `source`, wraps `devm_kmemdup()`.
    ///
    /// # Errors
    ///
    /// As [`Devm::new_uninit_slice`].
    #[inline]
    pub fn from_slice<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        source: &[T],
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Copy,
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<T, G>() };
        let memory = Self::allocate(grant, dev, source.len())?;
        // SAFETY: Both are valid for that many elements, and new memory is apart from the source.
        unsafe {
            ptr::copy_nonoverlapping(source.as_ptr(), memory.memory.cast().as_ptr(), source.len())
        };
        // SAFETY: Every element was just copied, and a `T` has no drop glue.
        Ok(unsafe { memory.initialised() })
    }

    /// Makes the slice `len` elements long, wraps `devm_krealloc()`: fills up with `value`.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the slice as it was where there is no memory, and for more than [`MAX_SIZE`]
    /// bytes.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    ///
    /// /// The longer slice, or the old one.
    /// fn longer<'bound>(task: &TaskCx, data: Devm<'bound, [u8]>) -> Devm<'bound, [u8]> {
    ///     let len = data.len() + 16;
    ///     data.resize(task, len, 0).unwrap_or_else(|failed| failed.value)
    /// }
    /// ```
    pub fn resize<G>(
        self,
        grant: G,
        len: usize,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, Self>>
    where
        T: Clone,
        G: Grant<Flags: ForDevmRealloc>,
    {
        let kept = self.len();
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised and has no
        // drop glue, as a `T` has none.
        let memory: Devm<'_, [MaybeUninit<T>]> = Devm {
            memory: slice(self.memory.cast(), kept),
            device: self.device,
            _value: PhantomData,
        };
        match memory.realloc(grant, len) {
            // SAFETY: `kept` elements are initialised, as far as there are so many, and a `T` of a
            // `Devm` of elements has no drop glue.
            Ok(memory) => Ok(unsafe { memory.fill_with(kept, |_| value.clone()) }),
            Err(failed) => {
                // SAFETY: The memory is what it was, with `kept` initialised elements, which have no
                // drop glue.
                let old = unsafe { failed.value.initialised() };
                Err(AllocFailedWith::new(AllocFailed(failed.failure), old))
            }
        }
    }
}

impl<'bound, T> Devm<'bound, [MaybeUninit<T>]> {
    /// Gives the memory room for `len` elements, wraps `devm_krealloc()`. The contents stay, as far
    /// as they fit, and so does its place in the order of release.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated, and released first.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the memory as it was where there is no more, and for more than [`MAX_SIZE`]
    /// bytes.
    pub fn realloc<G>(self, grant: G, len: usize) -> Result<Self, AllocFailedWith<G::Flags, Self>>
    where
        G: Grant<Flags: ForDevmRealloc>,
    {
        const { fits_plain::<T, G>() };
        let bytes = match bytes::<T, G::Flags>(len) {
            Ok(bytes) => bytes,
            Err(failed) => return Err(AllocFailedWith::new(failed, self)),
        };
        let old = if size_of_val(&*self) == 0 {
            ptr::null_mut()
        } else {
            self.memory.cast().as_ptr()
        };
        let _ = grant;
        // SAFETY: `old` is NULL, or memory of `devm_kmalloc()` of that device, which is ours. The
        // flags are legal in this context, which is what the grant says, and are those that kmalloc
        // accepts.
        let new = unsafe { bindings::devm_krealloc(raw(self.device), old, bytes, G::Flags::BITS) };
        let memory = if bytes == 0 {
            NonNull::dangling()
        } else {
            match NonNull::new(new.cast()) {
                Some(memory) => memory,
                None => return Err(AllocFailedWith::new(G::Flags::failed(), self)),
            }
        };
        // INVARIANT: Memory of `devm_krealloc()`, unless it has no size; and a `MaybeUninit` is
        // always initialised and has no drop glue.
        Ok(Devm {
            memory: slice(memory, len),
            device: self.device,
            _value: PhantomData,
        })
    }

    /// Claims that the memory is initialised.
    ///
    /// Of a type with drop glue it does not compile.
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Devm<'bound, [T]> {
        const { has_no_drop::<T>() };
        // SAFETY: By the contract of this function, and a `T` has no drop glue.
        unsafe { self.initialised() }
    }

    /// As [`Devm::assume_init`].
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`, which has no drop glue.
    #[inline(always)]
    unsafe fn initialised(self) -> Devm<'bound, [T]> {
        // INVARIANT: The memory is what it was, and initialised by the contract of this function. A
        // `T` has no drop glue.
        Devm {
            memory: slice(self.memory.cast(), self.len()),
            device: self.device,
            _value: PhantomData,
        }
    }

    /// Initialises the elements from `from` on.
    ///
    /// # Safety
    ///
    /// Those before are initialised. A `T` has no drop glue.
    #[inline]
    unsafe fn fill_with(mut self, from: usize, mut f: impl FnMut(usize) -> T) -> Devm<'bound, [T]> {
        for (index, element) in self.iter_mut().enumerate().skip(from) {
            element.write(f(index));
        }
        // SAFETY: Those before `from` are by the contract of this function, the others were just
        // written.
        unsafe { self.initialised() }
    }
}

// Strings --------------------------------------------------------------------------------------------------------------

impl<'bound> Devm<'bound, CStr> {
    /// A copy of `source`, wraps `devm_kstrdup()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory.
    #[inline]
    pub fn kstrdup<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        source: &CStr,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<u8, G>() };
        let _ = grant;
        // SAFETY: The device is bound and the string ends. The flags are legal in this context,
        // which is what the grant says, and are those that kmalloc accepts.
        let string =
            unsafe { bindings::devm_kstrdup(raw(dev), source.as_char_ptr(), G::Flags::BITS) };
        // SAFETY: It is NULL, or a new string of `devm_kmalloc()` of that device.
        unsafe { Self::from_new(dev, string) }.ok_or_else(G::Flags::failed)
    }

    /// What the arguments say as a string, wraps `devm_kasprintf()`.
    ///
    /// A NUL in it ends the string, as in C.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn name<'bound>(
    ///     task: &TaskCx,
    ///     dev: &'bound Device<Bound>,
    ///     channel: u32,
    /// ) -> Result<Devm<'bound, CStr>> {
    ///     Ok(Devm::kasprintf(task, dev, fmt!("{}-{channel}", dev.name()))?)
    /// }
    /// ```
    #[inline]
    pub fn kasprintf<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        args: fmt::Arguments<'_>,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<u8, G>() };
        let _ = grant;
        // SAFETY: The device is bound, and the format takes a pointer to `fmt::Arguments`. The flags
        // are legal in this context, which is what the grant says, and are those that kmalloc
        // accepts.
        let string = unsafe {
            bindings::devm_kasprintf(
                raw(dev),
                G::Flags::BITS,
                c"%pA".as_char_ptr(),
                (&raw const args).cast::<c_void>(),
            )
        };
        // SAFETY: It is NULL, or a new string of `devm_kmalloc()` of that device.
        unsafe { Self::from_new(dev, string) }.ok_or_else(G::Flags::failed)
    }

    /// # Safety
    ///
    /// It is NULL, or a string in memory of `devm_kmalloc()` of `dev` that nobody else has.
    unsafe fn from_new(dev: &'bound Device<Bound>, string: *mut c_char) -> Option<Self> {
        NonNull::new(string)?;
        // SAFETY: By the contract of this function it is a string.
        let string = unsafe { CStr::from_char_ptr(string) };
        // INVARIANT: By the contract of this function.
        Some(Self {
            memory: NonNull::from(string),
            device: dev,
            _value: PhantomData,
        })
    }
}

// Every one ------------------------------------------------------------------------------------------------------------

impl<'bound, T: ?Sized> Devm<'bound, T> {
    /// Drops the value and frees the memory before the device is unbound, wraps `devm_kfree()`; of
    /// a value with drop glue `devres_release()`.
    ///
    /// The kernel looks for it through the list of the device, from the last on.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn calibrate(task: &TaskCx, dev: &Device<Bound>) -> Result<u64> {
    ///     let mut samples = Devm::<[u64; 64]>::zeroed(task, dev)?;
    ///     samples[0] = 1;
    ///     let sum = samples.iter().sum();
    ///     samples.free(task);
    ///     Ok(sum)
    /// }
    /// ```
    #[inline]
    pub fn free<C: MayAlloc>(self, _cx: &C) {
        self.end();
    }

    /// As [`Devm::free`]. The context is one in which the allocators work.
    #[inline]
    fn end(self) {
        let (dev, memory) = (raw(self.device), self.memory.as_ptr().cast::<c_void>());
        if const { needs_drop::<T>() } {
            // SAFETY: By the invariant there is the entry that holds the value; it is ours, and so
            // this releases it and no other.
            let _ = unsafe {
                bindings::devres_release(dev, Some(release), Some(is), memory.byte_sub(VALUE))
            };
        } else if size_of_val(&*self) != 0 {
            // SAFETY: By the invariant it is memory of `devm_kmalloc()` of this device, which was
            // ours.
            unsafe { bindings::devm_kfree(dev, memory) };
        }
    }

    /// The value, until the device is unbound: C's pointer.
    ///
    /// It can no longer be freed before that.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn table<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<&'bound mut [u32; 16]> {
    ///     Ok(Devm::new(task, dev, [0; 16])?.into_mut())
    /// }
    /// ```
    #[inline]
    pub fn into_mut(mut self) -> &'bound mut T {
        // SAFETY: By the invariant it is valid for all of `'bound`, and nobody else has it.
        unsafe { self.memory.as_mut() }
    }

    /// The device that the memory belongs to.
    #[inline]
    pub fn device(&self) -> &'bound Device<Bound> {
        self.device
    }
}

impl<T: ?Sized> Deref for Devm<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { self.memory.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for Devm<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant, and it is borrowed exclusively.
        unsafe { self.memory.as_mut() }
    }
}

impl<'bound, T: ?Sized> From<Devm<'bound, T>> for Pin<Devm<'bound, T>> {
    #[inline]
    fn from(this: Devm<'bound, T>) -> Self {
        // SAFETY: The value is in memory that does not move with this and is not used for anything
        // else before the value is dropped; and `Pin` does not let it out.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Devm<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + kernel::fmt::Display> kernel::fmt::Display for Devm<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
