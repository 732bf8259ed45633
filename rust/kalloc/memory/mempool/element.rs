// SPDX-License-Identifier: GPL-2.0

//! [`MempoolBox`]: single elements.

use super::*;
use crate::{
    contexts::{
        grant::Grant,
        traits::MayAlloc, //
    },
    flags::{
        allocators::{
            ForMempool,
            WaitsForMempool, //
        },
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
    },
    memory::pooled::{
        PoolRef,
        Pooled,
        PooledUninit, //
    },
};
use core::{
    pin::Pin,
    ptr::NonNull, //
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    error::{
        Error,
        Result, //
    },
    prelude::{
        InPlaceWrite,
        PinInit, //
    },
};

/// A `T` in an element of a [`Mempool`]. Dropping it returns the element to the reserve, or frees
/// it if the reserve is full.
///
/// It is an element and a [reference](crate::pooled) to the pool. It may be dropped in every
/// context in which it may be made.
///
/// [`MempoolBox::new`] waits and returns the box. [`MempoolBox::try_new`] fails if the reserve is
/// empty and the flags do not wait. [`MempoolBox::preallocated`] calls no allocator.
#[doc(alias = "mempool_free")]
pub type MempoolBox<T, O, B = KmallocBacked, const BULK: usize = 1> =
    Pooled<Mempool<T, B, BULK>, O>;

/// An uninitialised element of a [`Mempool`].
pub type MempoolMemory<T, O, B = KmallocBacked, const BULK: usize = 1> =
    PooledUninit<Mempool<T, B, BULK>, O>;

/// Panics, since `mempool_alloc()` returns NULL only if it does not wait.
///
/// Generic, so that it is in the caller's object file, where objtool sees that it does not return.
#[allow(clippy::extra_unused_type_parameters)]
#[cold]
#[inline(never)]
pub(super) fn null_from_waiting_pool<T>() -> ! {
    panic!("kalloc: NULL from a memory pool that waits")
}

impl<T, B, O, const BULK: usize> MempoolBox<T, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    /// Wraps `mempool_alloc()`.
    #[inline(always)]
    fn alloc<G>(_grant: G, pool_ref: O) -> Option<MempoolMemory<T, O, B, BULK>>
    where
        G: Grant<Flags: ForMempool>,
    {
        const { assert!(!G::ON_NODE, "the reserve of a pool is not for one node") };
        // SAFETY: `pool_ref` keeps the pool valid. The grant proves that the flags are legal in this
        // context. A pool accepts the flags, by the bound.
        let element =
            unsafe { calls::mempool_alloc(pool_ref.pool().pool.as_ptr(), G::Flags::BITS) };
        // SAFETY: The element is from a pool with this backing.
        let object = unsafe { B::object(NonNull::new(element)?) };
        // SAFETY: An owned element of this pool. Contract of `Backing`: its memory is valid for a
        // `T`.
        Some(unsafe { PooledUninit::new(object, pool_ref) })
    }

    /// Moves `value` into an element, wraps `mempool_alloc()`. Waits until an element is free.
    ///
    /// A grant with a node does not compile.
    ///
    /// # Context
    ///
    /// Process context that may sleep.
    #[doc(alias = "mempool_alloc")]
    #[inline]
    pub fn new<G>(grant: G, pool_ref: O, value: T) -> Self
    where
        G: Grant<Flags: WaitsForMempool>,
    {
        Self::new_uninit(grant, pool_ref).write(value)
    }

    /// An uninitialised element, wraps `mempool_alloc()`. Waits until an element is free.
    #[inline(always)]
    pub fn new_uninit<G>(grant: G, pool_ref: O) -> MempoolMemory<T, O, B, BULK>
    where
        G: Grant<Flags: WaitsForMempool>,
    {
        match Self::alloc(grant, pool_ref) {
            Some(memory) => memory,
            None => null_from_waiting_pool::<T>(),
        }
    }

    /// Initialises a pinned `T` in an element. Waits until an element is free.
    ///
    /// # Context
    ///
    /// Process context that may sleep.
    ///
    /// # Errors
    ///
    /// The error of `init`.
    #[inline]
    pub fn pin_init<G, E>(grant: G, pool_ref: O, init: impl PinInit<T, E>) -> Result<Pin<Self>, E>
    where
        G: Grant<Flags: WaitsForMempool>,
    {
        Self::new_uninit(grant, pool_ref).write_pin_init(init)
    }

    /// Moves `value` into an element, wraps `mempool_alloc()`.
    ///
    /// # Context
    ///
    /// Every context in which the allocators work.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the allocator fails, the reserve is empty and the flags do
    /// not wait.
    ///
    /// ```
    /// use kalloc::{mempool::{Mempool, MempoolBox}, prelude::*};
    ///
    /// fn complete(cx: &IrqCx<'_>, pool: &Mempool<u64>) -> Result {
    ///     let _event = MempoolBox::try_new(cx, pool, 1)?;
    ///     Ok(())
    /// }
    /// ```
    #[doc(alias = "mempool_alloc")]
    #[inline]
    pub fn try_new<G>(grant: G, pool_ref: O, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForMempool>,
    {
        match Self::try_new_uninit(grant, pool_ref) {
            Ok(memory) => Ok(memory.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// An uninitialised element, wraps `mempool_alloc()`.
    ///
    /// # Context
    ///
    /// Every context in which the allocators work.
    ///
    /// # Errors
    ///
    /// As [`MempoolBox::try_new`].
    #[inline]
    pub fn try_new_uninit<G>(
        grant: G,
        pool_ref: O,
    ) -> Result<MempoolMemory<T, O, B, BULK>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForMempool>,
    {
        Self::alloc(grant, pool_ref).ok_or_else(G::Flags::failed)
    }

    /// Initialises a pinned `T` in an element, wraps `mempool_alloc()`.
    ///
    /// # Context
    ///
    /// Every context in which the allocators work.
    ///
    /// # Errors
    ///
    /// `ENOMEM` as [`MempoolBox::try_new`], and the error of `init`.
    #[inline]
    pub fn try_pin_init<G, E>(
        grant: G,
        pool_ref: O,
        init: impl PinInit<T, E>,
    ) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForMempool>,
        Error: From<E>,
    {
        Ok(Self::try_new_uninit(grant, pool_ref)?.write_pin_init(init)?)
    }

    /// Moves `value` into an element of the reserve, wraps `mempool_alloc_preallocated()`. Calls no
    /// allocator and does not wait.
    ///
    /// # Context
    ///
    /// Every context that may take a `spinlock_t`: not an NMI, and on `CONFIG_PREEMPT_RT` not with
    /// interrupts or preemption disabled.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the reserve is empty.
    ///
    /// ```
    /// use kalloc::{mempool::{Mempool, MempoolBox}, prelude::*};
    ///
    /// /// What is left for the interrupt: whether there was an element for `event`.
    /// fn record(cx: &IrqCx<'_>, pool: &Mempool<u64>, event: u64) -> bool {
    ///     match MempoolBox::preallocated(cx, pool, event) {
    ///         Ok(event) => {
    ///             pr_info!("{}\n", *event);
    ///             true
    ///         }
    ///         Err(_lost) => false,
    ///     }
    /// }
    /// ```
    #[doc(alias = "mempool_alloc_preallocated")]
    #[inline]
    pub fn preallocated<C>(
        cx: &C,
        pool_ref: O,
        value: T,
    ) -> Result<Self, AllocFailedWith<<C as MayAlloc>::Flags, T>>
    where
        C: MayAlloc,
    {
        match Self::preallocated_uninit(cx, pool_ref) {
            Ok(memory) => Ok(memory.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// An uninitialised element of the reserve, wraps `mempool_alloc_preallocated()`.
    ///
    /// # Errors
    ///
    /// As [`MempoolBox::preallocated`].
    #[inline]
    pub fn preallocated_uninit<C>(
        _cx: &C,
        pool_ref: O,
    ) -> Result<MempoolMemory<T, O, B, BULK>, AllocFailed<<C as MayAlloc>::Flags>>
    where
        C: MayAlloc,
    {
        // SAFETY: `pool_ref` keeps the pool valid. `MayAlloc`: the context may take a `spinlock_t`.
        let element =
            unsafe { bindings::mempool_alloc_preallocated(pool_ref.pool().pool.as_ptr()) };
        let element = NonNull::new(element).ok_or_else(<C as MayAlloc>::Flags::failed)?;
        // SAFETY: The element is from a pool with this backing.
        let object = unsafe { B::object(element) };
        // SAFETY: An owned element of this pool. Contract of `Backing`: its memory is valid for a
        // `T`.
        Ok(unsafe { PooledUninit::new(object, pool_ref) })
    }
}
