// SPDX-License-Identifier: GPL-2.0

//! Boxes of a single value.

use super::*;
use crate::{
    alloc::allocator::{
        fits,
        Allocator,
        Blocking, //
    },
    contexts::{
        grant::Grant,
        traits::NotInterrupt, //
    },
    flags::{
        allocators::{
            For,
            ForNonblocking, //
        },
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
    },
    series, //
};
use core::{
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    alloc::AllocError,
    error::Error,
    prelude::{
        InPlaceWrite,
        Init,
        PinInit,
        Zeroable, //
    },
};

impl<T, A: Allocator> Box<T, A> {
    /// Moves `value` into new memory, wraps `kmalloc()`, `vmalloc()` or `kvmalloc()`.
    ///
    /// The value is on the stack first. Use [`Box::zeroed`] or [`Box::init`] for large values.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the allocation fails. A type larger than
    /// [`Allocator::MAX_SIZE`], or with `nofail` larger than [`Allocator::MAX_NOFAIL`], does not
    /// compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn number(cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    ///     Ok(KBox::new(cx, 7)?)
    /// }
    /// ```
    #[doc(alias("kmalloc", "vmalloc", "kvmalloc", "kmalloc_obj", "kvmalloc_obj"))]
    #[inline]
    pub fn new<G>(grant: G, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: For<A>>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts, and `fits` was evaluated.
        match unsafe { Self::allocate(grant) } {
            Ok(slot) => Ok(slot.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory for a `T`, wraps `kmalloc()`, `vmalloc()` or `kvmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails. The limits of [`Box::new`] apply.
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
        // A copy of `allocate`: rustc inlines a function that only calls another one, and then does
        // not report the line in the driver that has too large a `T`.
        let memory = if const { size_of::<T>() == 0 } {
            NonNull::dangling()
        } else {
            // SAFETY: The bounds ask for flags that `A` accepts. `fits` was evaluated. `T` has a
            // size.
            let memory = unsafe { A::alloc::<MaybeUninit<T>, G>(grant) };
            NonNull::new(memory).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of `A`, aligned for `T`. A `MaybeUninit` needs no initialisation.
        Ok(Box(memory, PhantomData))
    }

    /// Allocates memory for a `T`.
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
            // SAFETY: `# Safety`: `A` accepts the flags, and a `T` fits. `T` has a size.
            let memory = unsafe { A::alloc::<MaybeUninit<T>, G>(grant) };
            NonNull::new(memory).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of `A`, aligned for `T`. A `MaybeUninit` needs no initialisation.
        Ok(Box(memory, PhantomData))
    }

    /// As [`Box::allocate`], zeroed.
    ///
    /// # Safety
    ///
    /// As for [`Box::allocate`].
    #[inline(always)]
    unsafe fn allocate_zeroed<G: Grant>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
    {
        // SAFETY: `# Safety`: `A` accepts the flags, and a `T` fits. Every allocator of boxes also
        // accepts the flags with `__GFP_ZERO`.
        let slot = unsafe { Self::allocate(grant.zeroed()) }.map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed, and `T: Zeroable`.
        Ok(unsafe { slot.assume_init() })
    }

    /// New zeroed memory, wraps `kzalloc()`, `vzalloc()` or `kvzalloc()`.
    ///
    /// # Errors
    ///
    /// As [`Box::new_uninit`].
    #[doc(alias("kzalloc", "vzalloc", "kvzalloc", "kzalloc_obj", "kvzalloc_obj"))]
    #[inline]
    pub fn zeroed<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: For<A>>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts, and `fits` was evaluated.
        unsafe { Self::allocate_zeroed(grant) }
    }

    /// Moves `value` into new memory and pins it there, as [`Box::new`].
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

    /// Initialises a pinned `T` in new memory, allocated as by [`Box::new_uninit`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails, and the error of `init`.
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
    /// A converted [`AllocError`] if the allocation fails, and the error of `init`.
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

    /// Initialises a `T` in new memory, allocated as by [`Box::new_uninit`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails, and the error of `init`.
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

    /// Moves the value out and frees the memory.
    #[inline]
    pub fn into_inner(self) -> T {
        self.take().0
    }

    /// Moves the value out and keeps the memory for another value.
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
        // SAFETY: Invariant of `Box`: the pointer is valid for reads of an initialised `T`. The
        // value is not used in the memory again.
        let value = unsafe { memory.read() };
        // INVARIANT: The memory is unchanged, and a `MaybeUninit` needs no initialisation.
        (value, Box(memory.cast(), PhantomData))
    }
}

impl<T, A: Allocator> Box<MaybeUninit<T>, A> {
    /// Initialises the memory with `value`.
    #[inline]
    pub fn write(self, value: T) -> Box<T, A> {
        let memory = ManuallyDrop::new(self).0.cast::<T>();
        // SAFETY: Invariant of `Box`: the pointer is valid for writes of a `T`.
        unsafe { memory.write(value) };
        // INVARIANT: The memory is unchanged and now initialised.
        Box(memory, PhantomData)
    }

    /// Asserts that the memory is initialised.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Box<T, A> {
        // INVARIANT: The memory is unchanged. `# Safety`: it holds a valid `T`.
        Box(ManuallyDrop::new(self).0.cast(), PhantomData)
    }
}

impl<T, A: Allocator> InPlaceWrite<T> for Box<MaybeUninit<T>, A> {
    type Initialized = Box<T, A>;

    #[inline]
    fn write_init<E>(self, init: impl Init<T, E>) -> Result<Self::Initialized, E> {
        // SAFETY: The memory is valid for writes. If `init` fails, the memory is freed and not
        // read.
        unsafe { series::raw_try_init(self.0.cast().as_ptr(), init)? };
        // SAFETY: `init` succeeded.
        Ok(unsafe { self.assume_init() })
    }

    #[inline]
    fn write_pin_init<E>(self, init: impl PinInit<T, E>) -> Result<Pin<Self::Initialized>, E> {
        // SAFETY: The memory is valid for writes. If `init` fails, the memory is freed and not
        // read. The value does not move.
        unsafe { series::raw_try_init(self.0.cast().as_ptr(), init)? };
        // SAFETY: `init` succeeded.
        Ok(unsafe { self.assume_init() }.into())
    }
}

impl<T, A: Blocking> Box<T, A> {
    /// As [`Box::new`], but never sleeps. Wraps `__vmalloc()` or `kvmalloc()` with non-blocking
    /// flags such as `GFP_ATOMIC` or `GFP_NOWAIT`.
    ///
    /// For code that holds a spinlock or is in an RCU read-side critical section, and for
    /// [`TaskCx`] with flags that do not sleep. No token of a context that may be an interrupt has
    /// this function: in a hard interrupt vmalloc is a BUG, and in a softirq or with bottom halves
    /// disabled it could deadlock.
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
    /// fn in_a_lock(cx: &AtomicCx<'_>, header: [u8; 64]) -> Result<KVBox<[u8; 64]>> {
    ///     Ok(KVBox::new_nonblocking(cx.with(GFP_NOWAIT), header)?)
    /// }
    /// ```
    #[inline]
    pub fn new_nonblocking<G>(grant: G, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForNonblocking<A>, Context: NotInterrupt>,
    {
        const { fits::<T, A, G::Flags>() };
        // SAFETY: The bounds ask for flags that `A` accepts in this context, and `fits` was
        // evaluated.
        match unsafe { Self::allocate(grant) } {
            Ok(slot) => Ok(slot.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// As [`Box::new_uninit`], but never sleeps: see [`Box::new_nonblocking`].
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
        // SAFETY: The bounds ask for flags that `A` accepts in this context, and `fits` was
        // evaluated.
        unsafe { Self::allocate(grant) }
    }

    /// As [`Box::zeroed`], but never sleeps: see [`Box::new_nonblocking`].
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
        // SAFETY: The bounds ask for flags that `A` accepts in this context, and `fits` was
        // evaluated.
        unsafe { Self::allocate_zeroed(grant) }
    }
}
