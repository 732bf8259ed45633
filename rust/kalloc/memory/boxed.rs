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

use crate::{
    alloc::{
        allocator::{
            Allocator,
            Blocking, //
        },
        deferred_free, //
    },
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::{
            MaySleep,
            NotInterrupt, //
        },
    },
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::{
            For,
            ForNonblocking,
            ForRealloc, //
        },
        properties::MayFail, //
    },
    ground::allocators::{
        KVmalloc,
        Kmalloc,
        Vmalloc, //
    },
};
use core::{
    borrow::{
        Borrow,
        BorrowMut, //
    },
    fmt,
    marker::PhantomData,
    mem::{
        ManuallyDrop,
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
use kernel::{
    alloc::AllocError,
    bindings,
    error::Error,
    ffi::c_void,
    prelude::{
        InPlaceWrite,
        Init,
        PinInit,
        Zeroable, //
    },
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

// One value ------------------------------------------------------------------------------------------------------------

impl<T, A: Allocator> Box<T, A> {
    /// Moves `value` into new memory, wraps `kmalloc()`, `vmalloc()` or `kvmalloc()`.
    ///
    /// The value is on the stack before: make what is large by [`Box::zeroed`] or [`Box::init`].
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory. A type larger than
    /// [`Allocator::MAX_SIZE`], and under `nofail` one larger than [`Allocator::MAX_NOFAIL`], does
    /// not compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn number(cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    ///     Ok(KBox::new(cx, 7)?)
    /// }
    /// ```
    #[inline]
    pub fn new<G>(grant: G, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: For<A>>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts, and a `T` fits.
        match unsafe { Self::allocate(grant) } {
            Ok(slot) => Ok(slot.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory for a `T`, wraps `kmalloc()`, `vmalloc()` or `kvmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory; see [`Box::new`] for what does not compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn table(task: &TaskCx) -> Result<KBox<[u64; 64]>> {
    ///     let table = KBox::<[u64; 64]>::new_uninit(task)?;
    ///     Ok(table.write([0; 64]))
    /// }
    /// ```
    #[inline]
    pub fn new_uninit<G>(grant: G) -> Result<Box<MaybeUninit<T>, A>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: For<A>>,
    {
        const { fits::<T, A, G::Flags>() };
        // Written out: rustc inlines what only calls, and then does not say where in the driver a
        // `T` is too large.
        let memory = if const { size_of::<T>() == 0 } {
            NonNull::dangling()
        } else {
            // SAFETY: The bounds ask for flags that `A` accepts. A `T` fits, and has a size.
            let memory = unsafe { A::alloc::<MaybeUninit<T>, G>(grant) };
            NonNull::new(memory).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of `A`, aligned for `T`; and a `MaybeUninit` is always initialised.
        Ok(Box(memory, PhantomData))
    }

    /// New memory for a `T`.
    ///
    /// # Safety
    ///
    /// `A` accepts the flags of the grant, and a `T` [`fits`].
    #[inline(always)]
    unsafe fn allocate<G: Grant>(
        grant: G,
    ) -> Result<Box<MaybeUninit<T>, A>, AllocFailed<G::Flags>> {
        let memory = if const { size_of::<T>() == 0 } {
            NonNull::dangling()
        } else {
            // SAFETY: By the contract of this function. A `T` has a size.
            let memory = unsafe { A::alloc::<MaybeUninit<T>, G>(grant) };
            NonNull::new(memory).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of `A`, aligned for `T`; and a `MaybeUninit` is always initialised.
        Ok(Box(memory, PhantomData))
    }

    /// As [`Box::allocate`], of zeroes.
    ///
    /// # Safety
    ///
    /// As of [`Box::allocate`].
    #[inline(always)]
    unsafe fn allocate_zeroed<G: Grant>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
    {
        // SAFETY: By the contract of this function. Every allocator of boxes accepts `__GFP_ZERO`
        // with flags that it accepts for new memory.
        match unsafe { Self::allocate(grant.zeroed()) } {
            // SAFETY: The memory is zero, which is a `T`.
            Ok(slot) => Ok(unsafe { slot.assume_init() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// New memory of zeroes, wraps `kzalloc()`, `vzalloc()` or `kvzalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit`].
    #[inline]
    pub fn zeroed<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: For<A>>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts, and a `T` fits.
        unsafe { Self::allocate_zeroed(grant) }
    }

    /// Moves `value` into new memory that it does not leave, as [`Box::new`].
    ///
    /// # Errors
    ///
    /// As [`Box::new`].
    #[inline]
    pub fn pin<G>(grant: G, value: T) -> Result<Pin<Self>, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: For<A>>,
    {
        Ok(Self::new(grant, value)?.into())
    }

    /// Initialises a `T` in new memory that it does not leave, which [`Box::new_uninit`] gives.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::{new_spinlock, sync::SpinLock};
    ///
    /// #[pin_data]
    /// struct Counter {
    ///     #[pin]
    ///     value: SpinLock<u64>,
    /// }
    ///
    /// fn counter(task: &TaskCx) -> Result<Pin<KBox<Counter>>> {
    ///     KBox::pin_init(task, pin_init!(Counter { value <- new_spinlock!(0) }))
    /// }
    /// ```
    #[inline]
    pub fn pin_init<G, E>(grant: G, init: impl PinInit<T, E>) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: For<A>>,
        Error: From<E>,
    {
        Ok(Self::new_uninit(grant)?.write_pin_init(init)?)
    }

    /// As [`Box::pin_init`], with the error type of `init`.
    ///
    /// # Errors
    ///
    /// An [`AllocError`], converted, where there is no memory, and what `init` returns.
    #[inline]
    pub fn try_pin_init<G, E>(grant: G, init: impl PinInit<T, E>) -> Result<Pin<Self>, E>
    where
        G: Grant<Flags: For<A>>,
        E: From<AllocError>,
    {
        Self::new_uninit(grant)
            .map_err(AllocError::from)?
            .write_pin_init(init)
    }

    /// Initialises a `T` in new memory, which [`Box::new_uninit`] gives.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns.
    #[inline]
    pub fn init<G, E>(grant: G, init: impl Init<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: For<A>>,
        Error: From<E>,
    {
        Ok(Self::new_uninit(grant)?.write_init(init)?)
    }

    /// As [`Box::init`], with the error type of `init`.
    ///
    /// # Errors
    ///
    /// As [`Box::try_pin_init`].
    #[inline]
    pub fn try_init<G, E>(grant: G, init: impl Init<T, E>) -> Result<Self, E>
    where
        G: Grant<Flags: For<A>>,
        E: From<AllocError>,
    {
        Self::new_uninit(grant)
            .map_err(AllocError::from)?
            .write_init(init)
    }

    /// Takes the value out and frees the memory.
    #[inline]
    pub fn into_inner(self) -> T {
        self.take().0
    }

    /// Takes the value out and keeps the memory for another one.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn successor(number: KBox<u32>) -> KBox<u32> {
    ///     let (value, memory) = number.take();
    ///     memory.write(value + 1)
    /// }
    /// ```
    #[inline]
    pub fn take(self) -> (T, Box<MaybeUninit<T>, A>) {
        let memory = ManuallyDrop::new(self).0;
        // SAFETY: By the invariant; the value is not used in its old place again.
        let value = unsafe { memory.read() };
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised.
        (value, Box(memory.cast(), PhantomData))
    }
}

impl<T, A: Allocator> Box<MaybeUninit<T>, A> {
    /// Initialises the memory with `value`.
    #[inline]
    pub fn write(self, value: T) -> Box<T, A> {
        let memory = ManuallyDrop::new(self).0.cast::<T>();
        // SAFETY: By the invariant the memory is valid for writes of a `T`.
        unsafe { memory.write(value) };
        // INVARIANT: The memory is what it was, and initialised.
        Box(memory, PhantomData)
    }

    /// Claims that the memory is initialised.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Box<T, A> {
        // INVARIANT: The memory is what it was, and initialised by the contract of this function.
        Box(ManuallyDrop::new(self).0.cast(), PhantomData)
    }
}

impl<T, A: Allocator> InPlaceWrite<T> for Box<MaybeUninit<T>, A> {
    type Initialized = Box<T, A>;

    #[inline]
    fn write_init<E>(self, init: impl Init<T, E>) -> Result<Self::Initialized, E> {
        // SAFETY: The memory is valid, and when `init` fails it is freed without being looked at.
        unsafe { pin_init::raw_try_init(self.0.cast().as_ptr(), init)? };
        // SAFETY: `init` succeeded.
        Ok(unsafe { self.assume_init() })
    }

    #[inline]
    fn write_pin_init<E>(self, init: impl PinInit<T, E>) -> Result<Pin<Self::Initialized>, E> {
        // SAFETY: The memory is valid, when `init` fails it is freed without being looked at, and
        // the value stays there.
        unsafe { pin_init::raw_try_init(self.0.cast().as_ptr(), init)? };
        // SAFETY: `init` succeeded.
        Ok(unsafe { self.assume_init() }.into())
    }
}

impl<T, A: Blocking> Box<T, A> {
    /// As [`Box::new`], without sleeping: wraps `__vmalloc()` or `kvmalloc()` with `GFP_ATOMIC`,
    /// `GFP_NOWAIT` and the like.
    ///
    /// For code that holds a spinlock or is on the RCU read side, and for [`TaskCx`] with flags that
    /// do not sleep. In a hard interrupt the kernel would stop, and in a softirq, or with bottom
    /// halves disabled, vmalloc could deadlock: no token that may stand for one has this.
    ///
    /// [`TaskCx`]: crate::context::TaskCx
    ///
    /// # Errors
    ///
    /// As [`Box::new`].
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn in_a_lock(cx: &AtomicCx<'_>) -> Result<KVBox<[u8; 16384]>> {
    ///     Ok(KVBox::zeroed_nonblocking(cx.with(GFP_NOWAIT))?)
    /// }
    /// ```
    #[inline]
    pub fn new_nonblocking<G>(grant: G, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts, and a `T` fits.
        match unsafe { Self::allocate(grant) } {
            Ok(slot) => Ok(slot.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// As [`Box::new_uninit`], without sleeping: see [`Box::new_nonblocking`].
    ///
    /// # Errors
    ///
    /// As [`Box::new_nonblocking`].
    #[inline]
    pub fn new_uninit_nonblocking<G>(
        grant: G,
    ) -> Result<Box<MaybeUninit<T>, A>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts, and a `T` fits.
        unsafe { Self::allocate(grant) }
    }

    /// As [`Box::zeroed`], without sleeping: see [`Box::new_nonblocking`].
    ///
    /// # Errors
    ///
    /// As [`Box::new_nonblocking`].
    #[inline]
    pub fn zeroed_nonblocking<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts, and a `T` fits.
        unsafe { Self::allocate_zeroed(grant) }
    }
}

impl<T, A: Blocking> Box<[T], A> {
    /// As [`Box::new_uninit_slice`], without sleeping: see [`Box::new_nonblocking`].
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`] and [`Box::new_nonblocking`].
    #[inline]
    pub fn new_uninit_slice_nonblocking<G>(
        grant: G,
        len: usize,
    ) -> Result<UninitSlice<T, A>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate(grant, len) }
    }

    /// As [`Box::zeroed_slice`], without sleeping: see [`Box::new_nonblocking`].
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`] and [`Box::new_nonblocking`].
    #[inline]
    pub fn zeroed_slice_nonblocking<G>(grant: G, len: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate_zeroed(grant, len) }
    }
}

// Many values ----------------------------------------------------------------------------------------------------------

/// Elements before they are initialised.
type UninitSlice<T, A> = Box<[MaybeUninit<T>], A>;

/// A slice at `memory`.
#[inline(always)]
fn slice<T>(memory: NonNull<T>, len: usize) -> NonNull<[T]> {
    NonNull::slice_from_raw_parts(memory, len)
}

/// Whether `A` takes a slice of no `T` for memory as every other, so that nobody has to ask.
const fn zero_len_is_allocated<T, A: Allocator>() -> bool {
    size_of::<T>() != 0 && align_of::<T>() <= A::NOTHING
}

/// The size of `len` elements, which is none that `A` could never give.
#[inline(always)]
pub(crate) fn bytes<T, A: Allocator, F: Gfp>(len: usize) -> Result<usize, AllocFailed<F>> {
    match size_of::<T>() {
        0 => Ok(0),
        size if len > A::MAX_SIZE / size => Err(F::failed()),
        size => Ok(len * size),
    }
}

impl<T, A: Allocator> Box<[T], A> {
    /// A slice of nothing, which takes no memory: what [`Box::resize`] can start from.
    #[inline]
    pub const fn empty() -> Self {
        // INVARIANT: A slice of no elements has no size.
        Self(
            NonNull::slice_from_raw_parts(NonNull::dangling(), 0),
            PhantomData,
        )
    }

    /// New memory for `len` elements, wraps `kmalloc_array()`, `vmalloc_array()` or
    /// `kvmalloc_array()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory, and for more than [`Allocator::MAX_SIZE`] bytes, or than
    /// all of RAM.
    #[inline]
    pub fn new_uninit_slice<G>(
        grant: G,
        len: usize,
    ) -> Result<UninitSlice<T, A>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: For<A> + MayFail>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate(grant, len) }
    }

    /// New memory for `len` elements.
    ///
    /// # Safety
    ///
    /// `A` accepts the flags of the grant.
    #[inline(always)]
    unsafe fn allocate<G: Grant>(
        grant: G,
        len: usize,
    ) -> Result<UninitSlice<T, A>, AllocFailed<G::Flags>> {
        let bytes = bytes::<T, A, G::Flags>(len)?;
        let memory = if bytes == 0 && !const { zero_len_is_allocated::<T, A>() } {
            NonNull::dangling()
        } else {
            // SAFETY: By the contract of this function, and `bytes` is at most `MAX_SIZE`. It is 0
            // only where `A` takes that for memory of a `T`.
            let memory = unsafe { A::alloc_bytes::<MaybeUninit<T>, G>(bytes, grant) };
            NonNull::new(memory).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of `A`, aligned for `T`; and a `MaybeUninit` is always initialised.
        Ok(Box(slice(memory, len), PhantomData))
    }

    /// As [`Box::allocate`], of zeroes.
    ///
    /// # Safety
    ///
    /// As of [`Box::allocate`].
    #[inline(always)]
    unsafe fn allocate_zeroed<G: Grant>(grant: G, len: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
    {
        // SAFETY: By the contract of this function. Every allocator of boxes accepts `__GFP_ZERO`
        // with flags that it accepts for new memory.
        match unsafe { Self::allocate(grant.zeroed(), len) } {
            // SAFETY: The memory is zero, which is a `T` in every place.
            Ok(memory) => Ok(unsafe { memory.assume_init() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }

    /// `len` elements of zeroes, wraps `kcalloc()`, `vcalloc()` or `kvcalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    #[inline]
    pub fn zeroed_slice<G>(grant: G, len: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: For<A> + MayFail>,
    {
        // SAFETY: The bounds ask for flags that `A` accepts.
        unsafe { Self::allocate_zeroed(grant, len) }
    }

    /// `len` elements, each made by `f` from its index, in memory that [`Box::new_uninit_slice`]
    /// gives.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn squares(task: &TaskCx) -> Result<KBox<[usize]>> {
    ///     Ok(KBox::from_fn(task, 16, |i| i * i)?)
    /// }
    /// ```
    #[inline]
    pub fn from_fn<G>(
        grant: G,
        len: usize,
        f: impl FnMut(usize) -> T,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: For<A> + MayFail>,
    {
        Ok(Box::<[T], A>::new_uninit_slice(grant, len)?.fill_with(0, f))
    }

    /// A copy of `source`, wraps `kmemdup()` or `kvmemdup()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit_slice`].
    #[inline]
    pub fn from_slice<G>(grant: G, source: &[T]) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Copy,
        G: Grant<Flags: For<A> + MayFail>,
    {
        let memory = Box::<[T], A>::new_uninit_slice(grant, source.len())?;
        // SAFETY: Both are valid for that many elements, and new memory is apart from the source.
        unsafe {
            ptr::copy_nonoverlapping(source.as_ptr(), memory.0.cast().as_ptr(), source.len())
        };
        // SAFETY: Every element was just copied.
        Ok(unsafe { memory.assume_init() })
    }

    /// Makes the slice `len` elements long, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`: drops what is too much, fills up
    /// with `value`.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the slice where there is no memory, and for more than [`Allocator::MAX_SIZE`]
    /// bytes. When it was to shrink it is then shorter all the same, in the memory that it had.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// /// The longer slice, or the old one.
    /// fn longer(task: &TaskCx, data: KBox<[u8]>) -> KBox<[u8]> {
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
        G: Grant<Flags: ForRealloc<A>>,
    {
        let mut this = self;
        let surplus = this.len().saturating_sub(len);
        if len == 0 {
            return Ok(Self::empty());
        }
        if surplus != 0 {
            let memory = ManuallyDrop::new(this).0.cast::<T>();
            // SAFETY: By the invariant; these elements are not used again.
            unsafe { ptr::drop_in_place(slice(memory.add(len), surplus).as_ptr()) };
            // INVARIANT: The memory is what it was, and its first `len` elements are initialised.
            // With `len` above 0 it still has a size.
            this = Box(slice(memory, len), PhantomData);
        }
        let kept = this.len();
        match this.into_uninit().realloc(grant, len) {
            Ok(memory) => Ok(memory.fill_with(kept, |_| value.clone())),
            Err(failed) => {
                // SAFETY: The memory is what it was, with `kept` initialised elements.
                let old = unsafe { failed.value.assume_init() };
                Err(AllocFailedWith::new(AllocFailed(failed.failure), old))
            }
        }
    }

    /// The memory, with its contents forgotten.
    fn into_uninit(self) -> Box<[MaybeUninit<T>], A> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised.
        Box(slice(memory.cast(), memory.len()), PhantomData)
    }
}

impl<T, A: Allocator> Box<[MaybeUninit<T>], A> {
    /// Gives the memory room for `len` elements, wraps `krealloc()`, `vrealloc()` or `kvrealloc()`. The contents stay, as far as
    /// they fit.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the memory as it was where there is no more, and for more than
    /// [`Allocator::MAX_SIZE`] bytes.
    pub fn realloc<G>(self, grant: G, len: usize) -> Result<Self, AllocFailedWith<G::Flags, Self>>
    where
        G: Grant<Flags: ForRealloc<A>>,
    {
        let bytes = match bytes::<T, A, G::Flags>(len) {
            Ok(bytes) => bytes,
            Err(failed) => return Err(AllocFailedWith::new(failed, self)),
        };
        let zero_len_is_allocated = const { zero_len_is_allocated::<T, A>() };
        let old = if size_of_val(&*self) == 0 && !zero_len_is_allocated {
            ptr::null_mut()
        } else {
            self.0.cast::<MaybeUninit<T>>().as_ptr()
        };
        let memory = if bytes == 0 && !zero_len_is_allocated {
            drop(self);
            NonNull::dangling()
        } else {
            // SAFETY: By the invariant `old` is nothing to `A`, or memory of `A` that `self` owns. The
            // bounds ask for flags that `A` accepts for it. `bytes` is at most `MAX_SIZE`, and 0 only
            // where `A` takes that for memory of a `T`.
            match NonNull::new(unsafe { A::realloc(old, bytes, grant) }) {
                Some(memory) => {
                    // The old memory is freed or is the new one.
                    core::mem::forget(self);
                    memory
                }
                None => return Err(AllocFailedWith::new(G::Flags::failed(), self)),
            }
        };
        // INVARIANT: Memory of `A`, aligned for `T`; and a `MaybeUninit` is always initialised.
        Ok(Box(slice(memory, len), PhantomData))
    }

    /// Claims that the memory is initialised.
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Box<[T], A> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is what it was, and initialised by the contract of this function.
        Box(slice(memory.cast(), memory.len()), PhantomData)
    }

    /// Initialises the elements from `from` on, of which those before are initialised.
    #[inline]
    fn fill_with(mut self, from: usize, mut f: impl FnMut(usize) -> T) -> Box<[T], A> {
        for (index, element) in self.iter_mut().enumerate().skip(from) {
            element.write(f(index));
        }
        // SAFETY: Those before `from` are by the contract of this private function, the others were
        // just written.
        unsafe { self.assume_init() }
    }
}

// Every box ------------------------------------------------------------------------------------------------------------

impl<T: ?Sized, A: Allocator> Box<T, A> {
    /// The value, for ever: the memory is not freed.
    #[inline]
    pub fn leak<'a>(self) -> &'a mut T
    where
        T: 'a,
    {
        // SAFETY: By the invariant, and nobody else has the memory.
        unsafe { &mut *self.into_raw() }
    }

    /// The pointer, for C or [`Box::from_raw`]: memory of `A`, unless the value has no size.
    #[inline]
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The pointer, without a reference to the value: a device may be writing it.
    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Takes over memory of `A`.
    ///
    /// # Safety
    ///
    /// `raw` is aligned for the `T` that it points to. Where that has a size it is memory of
    /// `A`, which nobody else owns from here on; where it has none it is from [`Box::into_raw`], or
    /// dangling, as [`NonNull::dangling`] is.
    #[inline]
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // INVARIANT: By the contract of this function.
        // SAFETY: Aligned pointers to a `T` are not NULL.
        Self(unsafe { NonNull::new_unchecked(raw) }, PhantomData)
    }

    /// Whether there may be memory to free.
    #[inline(always)]
    fn has_memory(&self) -> bool {
        // Of a type with one size the compiler knows it. For the others `A` can tell by itself where
        // the address of no memory is one that it knows: it is the alignment at most.
        size_of_val(&**self) != 0
            || (const { size_of::<&T>() != size_of::<usize>() }
                && align_of_val(&**self) <= A::NOTHING)
    }

    /// Drops the value and hands out its memory, of which there may be none, and the size.
    #[inline(always)]
    fn end(self) -> Option<(*mut c_void, usize)> {
        let (has_memory, size) = (self.has_memory(), size_of_val(&*self));
        let raw = self.into_raw();
        // SAFETY: By the invariant; the value is not used again.
        unsafe { ptr::drop_in_place(raw) };
        has_memory.then_some((raw.cast(), size))
    }

    /// Drops the value and frees the memory at once, wraps `kfree()`, `vfree()` or `kvfree()`.
    ///
    /// A drop takes no token, so it has to leave memory of vmalloc to a work item; where the code
    /// may sleep this does not.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn replace(task: &TaskCx, old: VBox<[u8]>) -> Result<VBox<[u8]>> {
    ///     let len = old.len();
    ///     old.free(task);
    ///     Ok(VBox::zeroed_slice(task, 2 * len)?)
    /// }
    /// ```
    #[inline]
    pub fn free<C: MaySleep>(self, _cx: &C) {
        if let Some((memory, _)) = self.end() {
            // SAFETY: By the invariant it is memory of `A`, which was ours, or nothing to `A`, and
            // the context may sleep.
            unsafe { A::free_now(memory) };
        }
    }
}

impl<T: ?Sized> KBox<T> {
    /// Drops the value and frees the memory after overwriting it with zeroes, wraps
    /// `kfree_sensitive()`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn forget(key: KBox<[u8; 32]>) {
    ///     key.free_sensitive();
    /// }
    /// ```
    #[inline]
    pub fn free_sensitive(self) {
        if let Some((memory, _)) = self.end() {
            // SAFETY: By the invariant it is memory of kmalloc, which was ours, or nothing to it.
            unsafe { deferred_free::kfree_sensitive(memory) };
        }
    }
}

impl<T: ?Sized> KVBox<T> {
    /// Drops the value and frees the memory after overwriting it with zeroes, which may sleep: wraps
    /// `kvfree_sensitive()`, and `kfree_sensitive()` for a slice in memory of kmalloc.
    ///
    /// Of memory of vmalloc only the value is overwritten, since the kernel does not say what the
    /// memory has. The room that a vector had to spare when it became a box
    /// ([`Vec::into_boxed_slice`](crate::vec::Vec::into_boxed_slice)) is as it was: where elements
    /// have been there that nobody may see, overwrite them before they are taken out.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn forget(task: &TaskCx, keys: KVBox<[[u8; 32]]>) {
    ///     keys.free_sensitive(task);
    /// }
    /// ```
    #[inline]
    pub fn free_sensitive<C: MaySleep>(self, _cx: &C) {
        if let Some((memory, size)) = self.end() {
            // A `T` that has a size was not a vector: its memory has no room to spare.
            let whole = const { size_of::<*const T>() == size_of::<usize>() };
            // SAFETY: It may be asked of every address.
            if whole || unsafe { bindings::is_vmalloc_addr(memory) } {
                // SAFETY: By the invariant it is memory of kvmalloc, which was ours, and the context
                // may sleep.
                unsafe { bindings::kvfree_sensitive(memory, size) };
            } else {
                // SAFETY: Of that what is not of vmalloc is of kmalloc, and the context may sleep.
                unsafe { bindings::kfree_sensitive(memory) };
            }
        }
    }
}

impl<T: ?Sized> From<KBox<T>> for KVBox<T> {
    /// Without a copy: `kvfree()` frees memory of kmalloc too.
    #[inline]
    fn from(this: KBox<T>) -> Self {
        // INVARIANT: Memory of kmalloc is memory of kvmalloc, and so is what it gave for no bytes.
        Box(ManuallyDrop::new(this).0, PhantomData)
    }
}

impl<T: ?Sized> From<VBox<T>> for KVBox<T> {
    /// Without a copy: `kvfree()` frees memory of vmalloc too.
    #[inline]
    fn from(this: VBox<T>) -> Self {
        // INVARIANT: Memory of vmalloc is memory of kvmalloc.
        Box(ManuallyDrop::new(this).0, PhantomData)
    }
}

impl<T: ?Sized, A: Allocator> Drop for Box<T, A> {
    #[inline]
    fn drop(&mut self) {
        let (has_memory, raw) = (self.has_memory(), self.0.as_ptr());
        // SAFETY: By the invariant; the value is not used again.
        unsafe { ptr::drop_in_place(raw) };
        if has_memory {
            // SAFETY: By the invariant it is memory of `A`, which was ours, or nothing to `A`.
            unsafe { A::free(raw.cast()) };
        }
    }
}

impl<T: ?Sized, A: Allocator> Deref for Box<T, A> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { self.0.as_ref() }
    }
}

impl<T: ?Sized, A: Allocator> DerefMut for Box<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant, and the box is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }
}

impl<T: ?Sized, A: Allocator> Borrow<T> for Box<T, A> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized, A: Allocator> BorrowMut<T> for Box<T, A> {
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized, A: Allocator> From<Box<T, A>> for Pin<Box<T, A>> {
    #[inline]
    fn from(this: Box<T, A>) -> Self {
        // SAFETY: The value is in memory that does not move with the box, and `Pin` does not let it
        // out.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T: ?Sized + fmt::Debug, A: Allocator> fmt::Debug for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + kernel::fmt::Display, A: Allocator> kernel::fmt::Display for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
