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

use crate::{
    allocator::Allocator,
    boxed::Box,
    gfp::{Failed, ForKrealloc, Gfp, Grant, MayFail},
    vec::Vec,
};
use core::pin::Pin;
use kernel::{
    alloc::{AllocError, Box as KernelBox, Flags, KVec, Vec as KernelVec},
    error::Error,
    ffi::c_void,
    init::InPlaceInit,
    prelude::PinInit,
    sync::Arc,
    types::ForeignOwnable,
};

impl<T: ?Sized, A: Allocator> From<Box<T, A>> for KernelBox<T, A::Upstream> {
    #[inline]
    fn from(this: Box<T, A>) -> Self {
        // SAFETY: The pointer is to a `T` in memory of `A`, or to one of no size, and is ours to
        // give.
        unsafe { KernelBox::from_raw(this.into_raw()) }
    }
}

impl<T: ?Sized, A: Allocator> From<KernelBox<T, A::Upstream>> for Box<T, A> {
    #[inline]
    fn from(this: KernelBox<T, A::Upstream>) -> Self {
        // SAFETY: As above, the other way round.
        unsafe { Box::from_raw(KernelBox::into_raw(this)) }
    }
}

impl<T, A: Allocator> From<Box<[T], A>> for KernelVec<T, A::Upstream> {
    /// A vector with no room to spare.
    #[inline]
    fn from(this: Box<[T], A>) -> Self {
        Vec::from(this).into()
    }
}

impl<T, A: Allocator> From<KernelVec<T, A::Upstream>> for Box<[T], A> {
    /// The elements, in the memory of the vector. What room it had to spare stays with them until
    /// they are freed.
    #[inline]
    fn from(this: KernelVec<T, A::Upstream>) -> Self {
        Vec::from(this).into_boxed_slice()
    }
}

impl<T, A: Allocator> From<Vec<T, A>> for KernelVec<T, A::Upstream> {
    #[inline]
    fn from(this: Vec<T, A>) -> Self {
        let (elements, len, capacity) = this.into_raw_parts();
        // SAFETY: The memory is of `A`, has room for `capacity` elements, holds `len`, and is ours
        // to give; or there is none and the capacity is 0.
        unsafe { KernelVec::from_raw_parts(elements, len, capacity) }
    }
}

impl<T, A: Allocator> From<KernelVec<T, A::Upstream>> for Vec<T, A> {
    #[inline]
    fn from(this: KernelVec<T, A::Upstream>) -> Self {
        let (elements, len, capacity) = this.into_raw_parts();
        // SAFETY: As above, the other way round.
        unsafe { Vec::from_raw_parts(elements, len, capacity) }
    }
}

/// The flags of a grant, as the kernel crate's value.
#[inline(always)]
fn flags<G: Grant>(_grant: G) -> Flags {
    const {
        assert!(
            !G::ON_NODE,
            "the kernel crate's containers know no NUMA node"
        )
    };
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
    /// fn shared(cx: &Atomic<'_>) -> Result<Arc<u32>> {
    ///     Ok(Arc::new_with(cx, 7)?)
    /// }
    /// ```
    fn new_with<G>(grant: G, value: T) -> Result<Self, Failed<G::Flags>>
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
    fn new_with<G>(grant: G, value: T) -> Result<Self, Failed<G::Flags>>
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
    fn with_capacity_with<G>(grant: G, capacity: usize) -> Result<Self, Failed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>;

    /// As `KVec::reserve`.
    fn reserve_with<G>(&mut self, grant: G, additional: usize) -> Result<(), Failed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>;

    /// As `KVec::push`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::alloc::KVec;
    ///
    /// fn add(cx: &Atomic<'_>, list: &mut KVec<u32>) -> Result {
    ///     Ok(list.push_with(cx, 7)?)
    /// }
    /// ```
    fn push_with<G>(&mut self, grant: G, value: T) -> Result<(), Failed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>;

    /// As `KVec::extend_from_slice`.
    fn extend_from_slice_with<G>(&mut self, grant: G, slice: &[T]) -> Result<(), Failed<G::Flags>>
    where
        T: Clone,
        G: Grant<Flags: ForKrealloc + MayFail>;
}

impl<T> KVecExt<T> for KVec<T> {
    #[inline]
    fn with_capacity_with<G>(grant: G, capacity: usize) -> Result<Self, Failed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        KVec::with_capacity(capacity, flags(grant)).map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn reserve_with<G>(&mut self, grant: G, additional: usize) -> Result<(), Failed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        self.reserve(additional, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn push_with<G>(&mut self, grant: G, value: T) -> Result<(), Failed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        self.push(value, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn extend_from_slice_with<G>(&mut self, grant: G, slice: &[T]) -> Result<(), Failed<G::Flags>>
    where
        T: Clone,
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        self.extend_from_slice(slice, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }
}

// SAFETY: That of the kernel crate's box, which each function goes through.
unsafe impl<T, A: Allocator> ForeignOwnable for Box<T, A> {
    const FOREIGN_ALIGN: usize = <KernelBox<T, A::Upstream> as ForeignOwnable>::FOREIGN_ALIGN;
    type Borrowed<'a>
        = &'a T
    where
        Self: 'a;
    type BorrowedMut<'a>
        = &'a mut T
    where
        Self: 'a;

    fn into_foreign(self) -> *mut c_void {
        KernelBox::<T, A::Upstream>::from(self).into_foreign()
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: By the contract of this function.
        Box::<T, A>::from(unsafe { KernelBox::<T, A::Upstream>::from_foreign(ptr) })
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> &'a T
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <KernelBox<T, A::Upstream> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> &'a mut T
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <KernelBox<T, A::Upstream> as ForeignOwnable>::borrow_mut(ptr) }
    }
}

// SAFETY: That of the kernel crate's box, which each function goes through.
unsafe impl<T, A: Allocator> ForeignOwnable for Pin<Box<T, A>> {
    const FOREIGN_ALIGN: usize = <KernelBox<T, A::Upstream> as ForeignOwnable>::FOREIGN_ALIGN;
    type Borrowed<'a>
        = Pin<&'a T>
    where
        Self: 'a;
    type BorrowedMut<'a>
        = Pin<&'a mut T>
    where
        Self: 'a;

    fn into_foreign(self) -> *mut c_void {
        // SAFETY: The value stays where it is, and the pointer gives no other access than a pinned
        // one.
        KernelBox::<T, A::Upstream>::from(unsafe { Pin::into_inner_unchecked(self) }).into_foreign()
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: By the contract of this function.
        Pin::from(Box::<T, A>::from(unsafe {
            KernelBox::<T, A::Upstream>::from_foreign(ptr)
        }))
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> Pin<&'a T>
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <Pin<KernelBox<T, A::Upstream>> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> Pin<&'a mut T>
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <Pin<KernelBox<T, A::Upstream>> as ForeignOwnable>::borrow_mut(ptr) }
    }
}
