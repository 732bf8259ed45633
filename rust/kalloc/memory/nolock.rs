// SPDX-License-Identifier: GPL-2.0

//! [`NolockBox`] and [`NolockPages`]: memory in every context, NMI handlers included.
//!
//! C headers: [`include/linux/slab.h`](srctree/include/linux/slab.h),
//! [`include/linux/gfp.h`](srctree/include/linux/gfp.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`NolockBox::new_uninit`], [`NolockBox::new`] | `kmalloc_nolock(sizeof(T), 0, NUMA_NO_NODE)` |
//! | [`NolockBox::zeroed`] | `kmalloc_nolock(sizeof(T), __GFP_ZERO, …)` |
//! | `cx.with(GFP_NOLOCK.account())` | `__GFP_ACCOUNT` |
//! | drop | `kfree_nolock()` |
//! | [`NolockPages::new`] | `page_address(alloc_pages_nolock(0, NUMA_NO_NODE, ORDER))` |
//! | drop of these | `__free_pages()`, put off to an irq_work where that must not be called |
//!
//! `kmalloc_nolock()` only tries the locks it needs, so it works where a lock may be held by the
//! very code that was interrupted, and it fails easily: have something to do when it does. It fails
//! always
//!
//! * on `CONFIG_PREEMPT_RT`, in NMI and in hard interrupts (with interrupts or preemption disabled
//!   in a thread it works there: it is the allocator of [`RawCx`](crate::context::RawCx) code);
//! * in NMI, on a kernel without `CONFIG_SMP`;
//! * on processors that cannot exchange two words at once.
//!
//! Trying again does not help: to the kernel a failure means `ENOMEM`.
//!
//! A box may be dropped in every context. Where `kfree()` is allowed it can go on as a [`KBox`]:
//! [`NolockBox::into_kbox`].

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
        bases::GfpNolock,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::ForNolock,
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

/// The largest allocation, `KMALLOC_MAX_CACHE_SIZE` in bytes: there is no large `kmalloc_nolock()`.
pub const MAX_SIZE: usize = KALLOC_CONST_KMALLOC_MAX_CACHE_SIZE;

/// A grant for `kmalloc_nolock()`: a reference to any token, or `cx.with(…)` of [`GfpNolock`] flags.
///
/// It is not a [`Grant`], which `&cx` of an NMI handler is not: there no other allocator works.
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

    /// The node that was asked for.
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

/// A value in memory of `kmalloc_nolock()`, freed by `kfree_nolock()` when it is dropped.
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
/// The pointer is aligned for `T` and valid for reads and writes of a `T`, which is initialised.
/// Where the `T` has a size it is memory of `kmalloc_nolock()` that the box owns.
#[repr(transparent)]
pub struct NolockBox<T>(NonNull<T>, PhantomData<T>);

// SAFETY: The box owns the `T`, and `kfree_nolock()` may be called on another thread.
unsafe impl<T: Send> Send for NolockBox<T> {}
// SAFETY: A shared box gives no more than `&T`.
unsafe impl<T: Sync> Sync for NolockBox<T> {}
// The value does not move with the box.
impl<T> Unpin for NolockBox<T> {}

const _: () = assert!(size_of::<Option<NolockBox<u64>>>() == size_of::<usize>());

/// The alignment of every cache of kmalloc for as much or more, that of 96 bytes included.
const CACHE_ALIGN: usize = 32;

/// Wraps `kmalloc_nolock(size_of::<T>(), flags, nid)`, for a `T` that has a size.
#[inline(always)]
fn memory<T>(flags: gfp_t, nid: i32) -> Option<NonNull<MaybeUninit<T>>> {
    // It may become a `KBox`.
    let size = const { deferred_free::deferred_size::<T>(size_of::<T>()) };
    // SAFETY: It may be called in every context, with these flags, and `nid` is NUMA_NO_NODE or
    // that of a node that is or was online.
    let memory = unsafe { calls::kmalloc_nolock(size, flags, nid) };
    let memory = NonNull::<MaybeUninit<T>>::new(memory.cast())?;
    // Where the cache of this size has none, it is from the next larger one: of 96 bytes after 64,
    // and of 192 after 128.
    if const { align_of::<T>() > CACHE_ALIGN } && !memory.is_aligned() {
        // SAFETY: It is memory of kmalloc_nolock that nobody else has.
        unsafe { kfree_nolock(memory.as_ptr().cast()) };
        return None;
    }
    Some(memory)
}

/// New memory for a `T`, which has none where it has no size.
#[inline(always)]
fn alloc<T>(flags: gfp_t, nid: i32) -> Option<NolockBox<MaybeUninit<T>>> {
    const {
        assert!(
            size_of::<T>() <= MAX_SIZE,
            "larger than KMALLOC_MAX_CACHE_SIZE, which is all that kmalloc_nolock has"
        )
    };
    let memory = if const { size_of::<T>() == 0 } {
        NonNull::dangling()
    } else {
        memory::<T>(flags, nid)?
    };
    // INVARIANT: New memory of kmalloc_nolock, aligned because `size_of::<T>()` is a multiple of
    // the alignment, which every cache of kmalloc for that size or more has up to `CACHE_ALIGN`, or
    // as `memory` has seen; and a `MaybeUninit` is always initialised.
    Some(NolockBox(memory, PhantomData))
}

impl<T> NolockBox<T> {
    /// Moves `value` into new memory, wraps `kmalloc_nolock()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory or no lock to be had, or where
    /// `kmalloc_nolock()` does not work (see [the module](self)). For a type that is aligned to more
    /// than 32 bytes also where only a larger cache has memory, which need not be aligned to that. A
    /// type larger than [`MAX_SIZE`] does not compile.
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

    /// New memory of zeroes, wraps `kmalloc_nolock()` with `__GFP_ZERO`.
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
            // SAFETY: The memory is zero, which is a `T`.
            Some(slot) => Ok(unsafe { slot.assume_init() }),
            None => Err(G::Flags::failed()),
        }
    }

    /// The same memory as a [`KBox`], where `kfree()` may be called, which takes it as well.
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
        // SAFETY: `kfree()` takes memory of kmalloc_nolock, and it is ours to give.
        unsafe { KBox::from_raw(ManuallyDrop::new(self).0.as_ptr()) }
    }

    /// Takes the value out and frees the memory.
    #[inline]
    pub fn into_inner(self) -> T {
        let memory = ManuallyDrop::new(self).0;
        // SAFETY: By the invariant; the value is not used in its old place again.
        let value = unsafe { memory.read() };
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised.
        drop(NolockBox::<MaybeUninit<T>>(memory.cast(), PhantomData));
        value
    }
}

impl<T> NolockBox<MaybeUninit<T>> {
    /// Initialises the memory with `value`.
    #[inline]
    pub fn write(self, value: T) -> NolockBox<T> {
        let memory = ManuallyDrop::new(self).0.cast::<T>();
        // SAFETY: By the invariant the memory is valid for writes of a `T`.
        unsafe { memory.write(value) };
        // INVARIANT: The memory is what it was, and initialised.
        NolockBox(memory, PhantomData)
    }

    /// Claims that the memory is initialised.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> NolockBox<T> {
        // INVARIANT: The memory is what it was, and initialised by the contract of this function.
        NolockBox(ManuallyDrop::new(self).0.cast(), PhantomData)
    }
}

impl<T> Drop for NolockBox<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant; the value is not used again.
        unsafe { ptr::drop_in_place(self.0.as_ptr()) };
        if const { size_of::<T>() != 0 } {
            // SAFETY: By the invariant it is memory of kmalloc_nolock, which was ours.
            unsafe { kfree_nolock(self.0.as_ptr().cast::<c_void>()) };
        }
    }
}

impl<T> Deref for NolockBox<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { self.0.as_ref() }
    }
}

impl<T> DerefMut for NolockBox<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant, and the box is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }
}

impl<T: fmt::Debug> fmt::Debug for NolockBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

// Pages ----------------------------------------------------------------------------------------------------------------

/// The largest order, `PAGE_ALLOC_COSTLY_ORDER`: what the page allocator keeps on lists of each CPU,
/// and so gives without a lock.
pub const MAX_ORDER: u32 = KALLOC_CONST_PAGE_ALLOC_COSTLY_ORDER;

/// `1 << ORDER` pages of `alloc_pages_nolock()`, to be read and written as bytes.
///
/// They may be dropped in every context. `free_pages_nolock()` is not for modules, so where
/// `__free_pages()` must not be called (in NMI, and on `CONFIG_PREEMPT_RT` with interrupts or
/// preemption disabled) they are freed soon after, by an irq_work.
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
/// The pointer is to `1 << ORDER` pages of `alloc_pages_nolock()` that this owns, all of them
/// initialised.
pub struct NolockPages<const ORDER: u32>(NonNull<u8>);

// SAFETY: It owns the bytes, and pages may be freed on another thread.
unsafe impl<const ORDER: u32> Send for NolockPages<ORDER> {}
// SAFETY: Shared it gives no more than `&[u8]`.
unsafe impl<const ORDER: u32> Sync for NolockPages<ORDER> {}

impl<const ORDER: u32> NolockPages<ORDER> {
    /// Their length in bytes.
    pub const SIZE: usize = PAGE_SIZE << ORDER;

    /// New pages, which are zero, wraps `alloc_pages_nolock()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there are none to be had without a lock, where `kmalloc_nolock()` fails too
    /// (see [the module](self)), and while the kernel still initialises its memory. An order above
    /// [`MAX_ORDER`] does not compile.
    #[inline]
    pub fn new<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: NolockGrant<Flags: ForNolock>,
    {
        const {
            assert!(
                ORDER <= MAX_ORDER,
                "larger than PAGE_ALLOC_COSTLY_ORDER, which is all that alloc_pages_nolock has"
            )
        };
        // SAFETY: It may be called in every context, with these flags, and `nid` is NUMA_NO_NODE or
        // that of a node that is or was online.
        let pages = unsafe { kalloc_helper_alloc_pages_nolock(G::Flags::BITS, grant.nid(), ORDER) };
        // INVARIANT: New pages of alloc_pages_nolock, which are zero.
        Ok(Self(
            NonNull::new(pages.cast()).ok_or_else(G::Flags::failed)?,
        ))
    }
}

impl<const ORDER: u32> Drop for NolockPages<ORDER> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant they are pages of that order, which were ours.
        unsafe { kalloc_helper_free_pages_nolock(self.0.as_ptr().cast(), ORDER) };
    }
}

impl<const ORDER: u32> Deref for NolockPages<ORDER> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: By the invariant.
        unsafe { slice::from_raw_parts(self.0.as_ptr(), Self::SIZE) }
    }
}

impl<const ORDER: u32> DerefMut for NolockPages<ORDER> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: By the invariant, and the pages are borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.0.as_ptr(), Self::SIZE) }
    }
}

impl<const ORDER: u32> fmt::Debug for NolockPages<ORDER> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NolockPages").field(&self.0).finish()
    }
}
