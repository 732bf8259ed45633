// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's own containers, with kalloc's grants.
//!
//! Boxes and vectors go both ways without a copy, since both crates use the same allocators. One that
//! comes from the kernel crate and has less than 8 bytes has no room for the node that kalloc's drops
//! write where they cannot free at once; the memory behind it is its own, but KASAN and KFENCE may
//! complain of it.
//! [`ArcExt`] and [`KVecExt`] give `Arc` and `KVec` constructors that take a grant, where the kernel
//! crate's take `Flags` that nothing checks. They know no NUMA node: a grant made by [`Grant::on`]
//! does not compile.

#[doc(no_inline)]
pub use kernel::interop::*;

use crate::{
    alloc::allocator::Allocator,
    contexts::grant::Grant,
    flags::{
        gfp::{
            AllocFailed,
            Gfp, //
        },
        matrix::ForKrealloc,
        properties::MayFail, //
    },
    memory::{
        boxed::Box,
        vec::Vec, //
    },
};
use core::{
    mem::ManuallyDrop,
    pin::Pin,
    ptr, //
};
use kernel::{
    alloc::{
        AllocError,
        Box as KernelBox,
        Flags,
        KVec,
        Vec as KernelVec, //
    },
    error::Error,
    ffi::c_void,
    init::InPlaceInit,
    prelude::PinInit,
    sync::Arc,
    types::ForeignOwnable, //
};

impl<T: ?Sized, A: Allocator> From<Box<T, A>> for KernelBox<T, A::KernelAllocator> {
    #[inline]
    fn from(this: Box<T, A>) -> Self {
        // SAFETY: The pointer is to a `T` in memory of `A`, or to one of no size, and is ours to
        // give.
        unsafe { KernelBox::from_raw(this.into_raw()) }
    }
}

impl<T: ?Sized, A: Allocator> From<KernelBox<T, A::KernelAllocator>> for Box<T, A> {
    #[inline]
    fn from(this: KernelBox<T, A::KernelAllocator>) -> Self {
        // SAFETY: As above, the other way round.
        unsafe { Box::from_raw(KernelBox::into_raw(this)) }
    }
}

impl<T, A: Allocator> From<Box<[T], A>> for KernelVec<T, A::KernelAllocator> {
    /// A vector with no room to spare.
    #[inline]
    fn from(this: Box<[T], A>) -> Self {
        Vec::from(this).into()
    }
}

impl<T, A: Allocator> From<KernelVec<T, A::KernelAllocator>> for Box<[T], A> {
    /// The elements, in the memory of the vector. What room it had to spare stays with them until
    /// they are freed.
    #[inline]
    fn from(this: KernelVec<T, A::KernelAllocator>) -> Self {
        Vec::from(this).into_boxed_slice()
    }
}

impl<T, A: Allocator> From<Vec<T, A>> for KernelVec<T, A::KernelAllocator> {
    #[inline]
    fn from(this: Vec<T, A>) -> Self {
        let (elements, len, capacity) = this.into_raw_parts();
        // SAFETY: The memory is of `A`, has room for `capacity` elements, holds `len`, and is ours
        // to give; or there is none and the capacity is 0.
        unsafe { KernelVec::from_raw_parts(elements, len, capacity) }
    }
}

impl<T, A: Allocator> From<KernelVec<T, A::KernelAllocator>> for Vec<T, A> {
    #[inline]
    fn from(this: KernelVec<T, A::KernelAllocator>) -> Self {
        let (elements, len, capacity) = this.into_raw_parts();
        // SAFETY: As above, the other way round.
        unsafe { Vec::from_raw_parts(elements, len, capacity) }
    }
}

/// The flags of a grant as the kernel crate's [`Flags`], for its own functions that allocate.
///
/// In kalloc's prelude `GFP_KERNEL` is a type's constant, which these do not take. Nothing checks what
/// they do with the flags, nor where a value goes that is kept: no function of kalloc takes one.
///
/// A grant of [`Grant::on`] does not compile: [`Flags`] have no node.
///
/// ```
/// use kalloc::{interop, prelude::*};
/// use kernel::xarray::{AllocKind, XArray};
///
/// fn keep(task: &TaskCx, array: &XArray<KBox<u32>>, value: KBox<u32>) -> Result {
///     array.lock().store(0, value, interop::flags(task.with(GFP_ATOMIC)))?;
///     Ok(())
/// }
/// ```
#[inline(always)]
pub fn flags<G: Grant>(_grant: G) -> Flags {
    const { assert!(!G::ON_NODE, "the kernel crate's flags have no NUMA node") };
    G::Flags::FLAGS.0
}

/// `Arc` with a grant.
pub trait ArcExt<T>: Sized {
    /// Moves `value` into new memory, as `Arc::new` does.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::Arc;
    ///
    /// fn shared(cx: &AtomicCx<'_>) -> Result<Arc<u32>> {
    ///     Ok(Arc::new_with(cx, 7)?)
    /// }
    /// ```
    fn new_with<G>(grant: G, value: T) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>;

    /// Initialises a `T` in new memory, as `Arc::pin_init` does.
    fn pin_init_with<G, E>(grant: G, init: impl PinInit<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
        Error: From<E>;
}

impl<T> ArcExt<T> for Arc<T> {
    #[inline]
    fn new_with<G>(grant: G, value: T) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        Arc::new(value, flags(grant)).map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn pin_init_with<G, E>(grant: G, init: impl PinInit<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
        Error: From<E>,
    {
        <Arc<T> as InPlaceInit<T>>::pin_init(init, flags(grant))
    }
}

/// `KVec` with a grant.
pub trait KVecExt<T>: Sized {
    /// As `KVec::with_capacity`.
    fn with_capacity_with<G>(grant: G, capacity: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>;

    /// As `KVec::reserve`.
    fn reserve_with<G>(&mut self, grant: G, additional: usize) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>;

    /// As `KVec::push`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::alloc::KVec;
    ///
    /// fn add(cx: &AtomicCx<'_>, list: &mut KVec<u32>) -> Result {
    ///     Ok(list.push_with(cx, 7)?)
    /// }
    /// ```
    fn push_with<G>(&mut self, grant: G, value: T) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>;

    /// As `KVec::extend_from_slice`.
    fn extend_from_slice_with<G>(
        &mut self,
        grant: G,
        slice: &[T],
    ) -> Result<(), AllocFailed<G::Flags>>
    where
        T: Clone,
        G: Grant<Flags: ForKrealloc + MayFail>;
}

impl<T> KVecExt<T> for KVec<T> {
    #[inline]
    fn with_capacity_with<G>(grant: G, capacity: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        KVec::with_capacity(capacity, flags(grant)).map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn reserve_with<G>(&mut self, grant: G, additional: usize) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        self.reserve(additional, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn push_with<G>(&mut self, grant: G, value: T) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        self.push(value, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn extend_from_slice_with<G>(
        &mut self,
        grant: G,
        slice: &[T],
    ) -> Result<(), AllocFailed<G::Flags>>
    where
        T: Clone,
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        self.extend_from_slice(slice, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }
}

/// What C gets for a box. The kernel crate's gives the dangling pointer of a type of no size, which has
/// the alignment of the type and not the `FOREIGN_ALIGN` that is promised: an XArray takes some of
/// these for entries of its own.
fn into_foreign<T, A: Allocator>(this: Box<T, A>) -> *mut c_void {
    if const { size_of::<T>() == 0 } {
        // It is no memory, and `from_foreign` gives it its own address again.
        let _this = ManuallyDrop::new(this);
        return ptr::without_provenance_mut(<Box<T, A> as ForeignOwnable>::FOREIGN_ALIGN);
    }
    KernelBox::<T, A::KernelAllocator>::from(this).into_foreign()
}

/// # Safety
///
/// `foreign` is from [`into_foreign`], and is not used again.
unsafe fn from_foreign<T, A: Allocator>(foreign: *mut c_void) -> Box<T, A> {
    let raw = if const { size_of::<T>() == 0 } {
        ptr::dangling_mut()
    } else {
        foreign.cast()
    };
    // SAFETY: By the contract of this function it is the memory of a box that was given away, or for
    // a type of no size there is none.
    unsafe { Box::from_raw(raw) }
}

// SAFETY: `into_foreign` gives memory of the allocator, or for a type of no size that very alignment.
unsafe impl<T, A: Allocator> ForeignOwnable for Box<T, A> {
    const FOREIGN_ALIGN: usize =
        <KernelBox<T, A::KernelAllocator> as ForeignOwnable>::FOREIGN_ALIGN;
    type Borrowed<'a>
        = &'a T
    where
        Self: 'a;
    type BorrowedMut<'a>
        = &'a mut T
    where
        Self: 'a;

    fn into_foreign(self) -> *mut c_void {
        into_foreign(self)
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: By the contract of this function.
        unsafe { from_foreign(ptr) }
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> &'a T
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <KernelBox<T, A::KernelAllocator> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> &'a mut T
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <KernelBox<T, A::KernelAllocator> as ForeignOwnable>::borrow_mut(ptr) }
    }
}

// SAFETY: As above.
unsafe impl<T, A: Allocator> ForeignOwnable for Pin<Box<T, A>> {
    const FOREIGN_ALIGN: usize =
        <KernelBox<T, A::KernelAllocator> as ForeignOwnable>::FOREIGN_ALIGN;
    type Borrowed<'a>
        = Pin<&'a T>
    where
        Self: 'a;
    type BorrowedMut<'a>
        = Pin<&'a mut T>
    where
        Self: 'a;

    fn into_foreign(self) -> *mut c_void {
        // SAFETY: The value stays where it is, if it is anywhere, and the pointer gives no other access
        // than a pinned one.
        into_foreign(unsafe { Pin::into_inner_unchecked(self) })
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: By the contract of this function.
        Pin::from(unsafe { from_foreign::<T, A>(ptr) })
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> Pin<&'a T>
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <Pin<KernelBox<T, A::KernelAllocator>> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> Pin<&'a mut T>
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <Pin<KernelBox<T, A::KernelAllocator>> as ForeignOwnable>::borrow_mut(ptr) }
    }
}
