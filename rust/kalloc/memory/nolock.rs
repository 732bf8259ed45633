// SPDX-License-Identifier: GPL-2.0

//! [`NolockBox`] and [`NolockPages`]: allocation in every context, including NMI handlers.
//!
//! C headers: [`include/linux/slab.h`](srctree/include/linux/slab.h),
//! [`include/linux/gfp.h`](srctree/include/linux/gfp.h)
//!
//! The page [Nolock boxes and pages](pages/nolock.html) says more.
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`NolockBox::new_uninit`], [`NolockBox::new`] | `kmalloc_nolock(sizeof(T), 0, NUMA_NO_NODE)` |
//! | [`NolockBox::zeroed`] | `kmalloc_nolock(sizeof(T), __GFP_ZERO, …)` |
//! | `cx.with(GFP_NOLOCK.account())` | `__GFP_ACCOUNT` |
//! | drop | `kfree_nolock()` |
//! | [`NolockPages::new`] | `page_address(alloc_pages_nolock(0, NUMA_NO_NODE, ORDER))` |
//! | drop of these | `__free_pages()`, deferred to an irq_work in contexts that must not call it |
//!
//! `kmalloc_nolock()` only tries to take locks, so it works even if the interrupted code holds one.
//! It fails easily: have a fallback. It always fails
//!
//! * on `CONFIG_PREEMPT_RT`, in NMI and in hard interrupts (with interrupts or preemption disabled
//!   in a thread it works there: it is the allocator of [`RawCx`](crate::context::RawCx) code);
//! * in NMI, on a kernel without `CONFIG_SMP`;
//! * on processors without a double-word cmpxchg.
//!
//! A retry does not help: the kernel defines failure as `ENOMEM`.
//!
//! A box may be dropped in every context. In contexts that allow `kfree()` it can be converted to a
//! [`KBox`]: [`NolockBox::into_kbox`].

use crate::{
    alloc::deferred_free,
    contexts::{
        grant::{
            Grant,
            OnNode,
            With, //
        },
        traits::{
            Context,
            MayAlloc, //
        },
    },
    flags::{
        allocators::ForNolock,
        bases::GfpNolock,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        modifiers::Zeroed, //
    },
    ground::sealed::Sealed,
    memory::boxed::KBox, //
};
use core::{
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
    ptr::{
        self,
        NonNull, //
    },
    slice, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        gfp_t,
        kfree_nolock,
        NUMA_NO_NODE, //
    },
    ffi::c_void,
    page::PAGE_SIZE,
    prelude::Zeroable, //
};

/// The largest allocation in bytes, `KMALLOC_MAX_CACHE_SIZE`: `kmalloc_nolock()` has no large
/// allocations.
pub const MAX_SIZE: usize = KALLOC_CONST_KMALLOC_MAX_CACHE_SIZE;

/// A grant for `kmalloc_nolock()`: a reference to any token, or `cx.with(…)` with [`GfpNolock`]
/// flags.
///
/// It differs from [`Grant`], which `&cx` of an NMI handler does not implement: no other allocator
/// works in NMI.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn sample(cx: &mut NmiCx<'_>) -> Option<(NolockBox<u64>, NolockBox<u64>)> {
///     Some((
///         NolockBox::new(&cx, 1).ok()?,
///         NolockBox::new(cx.with(GFP_NOLOCK.account()), 2).ok()?,
///     ))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not permit kmalloc_nolock",
    label = "a grant of `GFP_NOLOCK` flags is expected here: `&cx`, or `cx.with(GFP_NOLOCK.account())`"
)]
pub trait NolockGrant: Sealed + Copy {
    /// The flags.
    type Flags: Gfp;

    /// The NUMA node of the grant.
    #[doc(hidden)]
    fn nid(self) -> i32;
}

impl<C: Context> NolockGrant for &C {
    type Flags = GfpNolock;
    #[inline(always)]
    fn nid(self) -> i32 {
        NUMA_NO_NODE
    }
}
impl<F: Gfp, C: Context> NolockGrant for With<'_, F, C> {
    type Flags = F;
    #[inline(always)]
    fn nid(self) -> i32 {
        NUMA_NO_NODE
    }
}
impl<F: Gfp, C: Context> NolockGrant for OnNode<With<'_, F, C>> {
    type Flags = F;
    #[inline(always)]
    fn nid(self) -> i32 {
        Grant::nid(self)
    }
}

/// A value in memory of `kmalloc_nolock()`. Dropping it calls `kfree_nolock()`.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn event(cx: &mut NmiCx<'_>) -> Option<NolockBox<[u64; 4]>> {
///     NolockBox::new(&cx, [1, 2, 3, 4]).ok()
/// }
/// ```
///
/// # Invariants
///
/// The pointer is aligned for `T` and valid for reads and writes of an initialised `T`. If the `T`
/// has a size, the pointer is to owned memory of `kmalloc_nolock()`.
#[doc(alias = "kfree_nolock")]
#[repr(transparent)]
pub struct NolockBox<T>(NonNull<T>, PhantomData<T>);

// SAFETY: The box owns the `T`, and any thread may call `kfree_nolock()`.
unsafe impl<T: Send> Send for NolockBox<T> {}
// SAFETY: A shared box gives only `&T`.
unsafe impl<T: Sync> Sync for NolockBox<T> {}
// The value stays at its address when the box moves.
impl<T> Unpin for NolockBox<T> {}

const _: () = assert!(size_of::<Option<NolockBox<u64>>>() == size_of::<usize>());

/// The minimum alignment of every kmalloc cache of at least this size, including that of 96 bytes.
const CACHE_ALIGN: usize = 32;

/// Wraps `kmalloc_nolock()`, for a `T` that has a size.
#[inline(always)]
fn memory<T>(flags: gfp_t, nid: i32) -> Option<NonNull<MaybeUninit<T>>> {
    // Enlarged for a deferred free: the box may be converted to a `KBox`.
    let size = const { deferred_free::deferred_size::<T>(size_of::<T>()) };
    // SAFETY: `kmalloc_nolock()` may be called in every context with these flags. The grant proves
    // that `nid` is `NUMA_NO_NODE` or a node that is or was online.
    let memory = unsafe { calls::kmalloc_nolock(size, flags, nid) };
    let memory = NonNull::<MaybeUninit<T>>::new(memory.cast())?;
    // If the cache of this size is empty, the memory is from the next larger one: 96 bytes after
    // 64, 192 after 128.
    if const { align_of::<T>() > CACHE_ALIGN } && !memory.is_aligned() {
        // SAFETY: Owned memory of `kmalloc_nolock()`, which is not used again.
        unsafe { kfree_nolock(memory.as_ptr().cast()) };
        return None;
    }
    Some(memory)
}

/// Memory for a `T`. A zero-sized `T` takes no memory.
#[inline(always)]
fn alloc<T>(flags: gfp_t, nid: i32) -> Option<NolockBox<MaybeUninit<T>>> {
    const {
        assert!(
            size_of::<T>() <= MAX_SIZE,
            "larger than KMALLOC_MAX_CACHE_SIZE, the limit of kmalloc_nolock"
        )
    };
    let memory = if const { size_of::<T>() == 0 } {
        NonNull::dangling()
    } else {
        memory::<T>(flags, nid)?
    };
    // INVARIANT: New memory of `kmalloc_nolock()`. It is aligned: the size of `T` is a multiple of
    // its alignment, to which every kmalloc cache of at least that size is aligned up to
    // `CACHE_ALIGN`, and `memory` checked larger alignments. A `MaybeUninit` needs no
    // initialisation.
    Some(NolockBox(memory, PhantomData))
}

impl<T> NolockBox<T> {
    /// Moves `value` into new memory, wraps `kmalloc_nolock()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if there is no free memory, if a lock is not available, or if
    /// `kmalloc_nolock()` does not work in this context (see [the module](self)). With an alignment
    /// above 32 bytes also if only a larger cache has memory, which may be aligned to less. A type
    /// larger than [`MAX_SIZE`] does not compile.
    #[doc(alias = "kmalloc_nolock")]
    #[inline]
    pub fn new<G>(grant: G, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: NolockGrant<Flags: ForNolock>,
    {
        match Self::new_uninit(grant) {
            Ok(slot) => Ok(slot.write(value)),
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory for a `T`, wraps `kmalloc_nolock()`.
    ///
    /// # Errors
    ///
    /// As [`NolockBox::new`].
    #[inline]
    pub fn new_uninit<G>(grant: G) -> Result<NolockBox<MaybeUninit<T>>, AllocFailed<G::Flags>>
    where
        G: NolockGrant<Flags: ForNolock>,
    {
        alloc(G::Flags::BITS, grant.nid()).ok_or_else(G::Flags::failed)
    }

    /// New zeroed memory, wraps `kmalloc_nolock()` with `__GFP_ZERO`.
    ///
    /// # Errors
    ///
    /// As [`NolockBox::new`].
    #[inline]
    pub fn zeroed<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: NolockGrant<Flags: ForNolock>,
    {
        match alloc(Zeroed::<G::Flags>::BITS, grant.nid()) {
            // SAFETY: The memory is zeroed, and `T: Zeroable`.
            Some(slot) => Ok(unsafe { slot.assume_init() }),
            None => Err(G::Flags::failed()),
        }
    }

    /// Converts to a [`KBox`] without a copy, in contexts that allow `kfree()`, which accepts this
    /// memory.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn keep(cx: &AtomicCx<'_>, event: NolockBox<[u64; 4]>) -> KBox<[u64; 4]> {
    ///     event.into_kbox(cx)
    /// }
    /// ```
    #[inline(always)]
    pub fn into_kbox<C: MayAlloc>(self, _cx: &C) -> KBox<T> {
        // SAFETY: Owned memory of `kmalloc_nolock()`, which `kfree()` accepts.
        unsafe { KBox::from_raw(ManuallyDrop::new(self).0.as_ptr()) }
    }

    /// Moves the value out and frees the memory.
    #[inline]
    pub fn into_inner(self) -> T {
        let memory = ManuallyDrop::new(self).0;
        // SAFETY: Invariant of `NolockBox`: the pointer is valid for reads of an initialised `T`.
        // The value is not used in the memory again.
        let value = unsafe { memory.read() };
        // INVARIANT: The memory is unchanged, and a `MaybeUninit` needs no initialisation.
        drop(NolockBox::<MaybeUninit<T>>(memory.cast(), PhantomData));
        value
    }
}

impl<T> NolockBox<MaybeUninit<T>> {
    /// Initialises the memory with `value`.
    #[inline]
    pub fn write(self, value: T) -> NolockBox<T> {
        let memory = ManuallyDrop::new(self).0.cast::<T>();
        // SAFETY: Invariant of `NolockBox`: the pointer is valid for writes of a `T`.
        unsafe { memory.write(value) };
        // INVARIANT: The memory is unchanged and now initialised.
        NolockBox(memory, PhantomData)
    }

    /// Asserts that the memory is initialised.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> NolockBox<T> {
        // INVARIANT: The memory is unchanged. `# Safety`: it holds a valid `T`.
        NolockBox(ManuallyDrop::new(self).0.cast(), PhantomData)
    }
}

impl<T> Drop for NolockBox<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `NolockBox`: the value is initialised. It is not used again.
        unsafe { ptr::drop_in_place(self.0.as_ptr()) };
        if const { size_of::<T>() != 0 } {
            // SAFETY: Invariant of `NolockBox`: owned memory of `kmalloc_nolock()`.
            unsafe { kfree_nolock(self.0.as_ptr().cast::<c_void>()) };
        }
    }
}

impl<T> Deref for NolockBox<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `NolockBox`: the pointer is valid for reads of an initialised `T`.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for NolockBox<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: Invariant of `NolockBox`: the pointer is valid for writes of a `T`. The box is
        // borrowed exclusively.
        unsafe { self.0.as_mut() }
    }
}

impl<T: fmt::Debug> fmt::Debug for NolockBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

// Pages -----------------------------------------------------------------------------------------

/// The largest order, `PAGE_ALLOC_COSTLY_ORDER`: the page allocator has per-CPU lists up to it, and
/// so allocates without a lock.
pub const MAX_ORDER: u32 = KALLOC_CONST_PAGE_ALLOC_COSTLY_ORDER;

/// `1 << ORDER` pages of `alloc_pages_nolock()`. Dereferences to a byte slice.
///
/// # Context
///
/// Dropped in every context. `free_pages_nolock()` is not exported to modules. In contexts that
/// must not call `__free_pages()` (NMI, and on `CONFIG_PREEMPT_RT` with interrupts or preemption
/// disabled) an irq_work frees the pages soon after.
///
/// ```
/// use kalloc::{nolock::NolockPages, prelude::*};
///
/// fn log(cx: &mut NmiCx<'_>, line: &[u8; 64]) -> Option<NolockPages<0>> {
///     let mut page = NolockPages::new(&cx).ok()?;
///     page[..64].copy_from_slice(line);
///     Some(page)
/// }
/// ```
///
/// # Invariants
///
/// The pointer is to `1 << ORDER` owned, initialised pages of `alloc_pages_nolock()`.
#[doc(alias = "free_pages_nolock")]
pub struct NolockPages<const ORDER: u32>(NonNull<u8>);

// SAFETY: It owns the bytes, and any thread may free the pages.
unsafe impl<const ORDER: u32> Send for NolockPages<ORDER> {}
// SAFETY: A shared one gives only `&[u8]`.
unsafe impl<const ORDER: u32> Sync for NolockPages<ORDER> {}

impl<const ORDER: u32> NolockPages<ORDER> {
    /// The size in bytes.
    pub const SIZE: usize = PAGE_SIZE << ORDER;

    /// New zeroed pages, wraps `alloc_pages_nolock()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if there are no pages that can be allocated without a lock, in contexts in
    /// which `kmalloc_nolock()` fails (see [the module](self)), and while the kernel initialises
    /// its memory. An order above [`MAX_ORDER`] does not compile.
    #[doc(alias = "alloc_pages_nolock")]
    #[inline]
    pub fn new<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: NolockGrant<Flags: ForNolock>,
    {
        const {
            assert!(
                ORDER <= MAX_ORDER,
                "larger than PAGE_ALLOC_COSTLY_ORDER, the limit of alloc_pages_nolock"
            )
        };
        // SAFETY: `alloc_pages_nolock()` may be called in every context with these flags. The grant
        // proves that `nid` is `NUMA_NO_NODE` or a node that is or was online.
        let pages = unsafe { kalloc_helper_alloc_pages_nolock(G::Flags::BITS, grant.nid(), ORDER) };
        // INVARIANT: New pages of `alloc_pages_nolock()`, which zeroes.
        Ok(Self(
            NonNull::new(pages.cast()).ok_or_else(G::Flags::failed)?,
        ))
    }
}

impl<const ORDER: u32> Drop for NolockPages<ORDER> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `NolockPages`: owned pages of this order.
        unsafe { kalloc_helper_free_pages_nolock(self.0.as_ptr().cast(), ORDER) };
    }
}

impl<const ORDER: u32> Deref for NolockPages<ORDER> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: Invariant of `NolockPages`: `SIZE` initialised bytes.
        unsafe { slice::from_raw_parts(self.0.as_ptr(), Self::SIZE) }
    }
}

impl<const ORDER: u32> DerefMut for NolockPages<ORDER> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: Invariant of `NolockPages`: `SIZE` initialised bytes. `self` is borrowed
        // exclusively.
        unsafe { slice::from_raw_parts_mut(self.0.as_ptr(), Self::SIZE) }
    }
}

impl<const ORDER: u32> fmt::Debug for NolockPages<ORDER> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NolockPages").field(&self.0).finish()
    }
}
