// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's own containers, with kalloc's grants.
//!
//! Boxes and vectors go both ways without a copy, since both crates use kmalloc. [`ArcExt`] and
//! [`KVecExt`] give `Arc` and `KVec` constructors that take a grant, where the kernel crate's take
//! `Flags` that nothing checks. They know no NUMA node: a grant made by
//! [`Grant::on`] does not compile.

use crate::{
    boxed::KBox,
    gfp::{Failed, ForKrealloc, Gfp, Grant, MayFail},
};
use core::pin::Pin;
use kernel::{
    alloc::{AllocError, Flags, KBox as KernelBox, KVec},
    error::Error,
    ffi::c_void,
    init::InPlaceInit,
    prelude::PinInit,
    sync::Arc,
    types::ForeignOwnable,
};

impl<T: ?Sized> From<KBox<T>> for KernelBox<T> {
    #[inline]
    fn from(this: KBox<T>) -> Self {
        // SAFETY: The pointer is to a `T` in memory of kmalloc, or to one of no size, and is ours
        // to give.
        unsafe { KernelBox::from_raw(this.into_raw()) }
    }
}

impl<T: ?Sized> From<KernelBox<T>> for KBox<T> {
    #[inline]
    fn from(this: KernelBox<T>) -> Self {
        // SAFETY: As above, the other way round.
        unsafe { KBox::from_raw(KernelBox::into_raw(this)) }
    }
}

impl<T> From<KBox<[T]>> for KVec<T> {
    /// A vector with no room to spare.
    #[inline]
    fn from(this: KBox<[T]>) -> Self {
        let len = this.len();
        if len == 0 {
            return KVec::new();
        }
        // SAFETY: The memory is of kmalloc, holds `len` elements, and is ours to give.
        unsafe { KVec::from_raw_parts(this.into_raw().cast(), len, len) }
    }
}

impl<T> From<KVec<T>> for KBox<[T]> {
    /// The elements, in the memory of the vector. What room it had to spare stays with them until
    /// they are freed.
    #[inline]
    fn from(this: KVec<T>) -> Self {
        if this.is_empty() {
            return KBox::empty();
        }
        let (elements, len, _) = this.into_raw_parts();
        // SAFETY: The memory is of kmalloc, holds `len` elements, and is ours to give.
        unsafe { KBox::from_raw(core::ptr::slice_from_raw_parts_mut(elements, len)) }
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
unsafe impl<T> ForeignOwnable for KBox<T> {
    const FOREIGN_ALIGN: usize = <KernelBox<T> as ForeignOwnable>::FOREIGN_ALIGN;
    type Borrowed<'a>
        = &'a T
    where
        Self: 'a;
    type BorrowedMut<'a>
        = &'a mut T
    where
        Self: 'a;

    fn into_foreign(self) -> *mut c_void {
        KernelBox::from(self).into_foreign()
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: By the contract of this function.
        KBox::from(unsafe { KernelBox::<T>::from_foreign(ptr) })
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> &'a T
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <KernelBox<T> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> &'a mut T
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <KernelBox<T> as ForeignOwnable>::borrow_mut(ptr) }
    }
}

// SAFETY: That of the kernel crate's box, which each function goes through.
unsafe impl<T> ForeignOwnable for Pin<KBox<T>> {
    const FOREIGN_ALIGN: usize = <KernelBox<T> as ForeignOwnable>::FOREIGN_ALIGN;
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
        KernelBox::from(unsafe { Pin::into_inner_unchecked(self) }).into_foreign()
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: By the contract of this function.
        Pin::from(KBox::from(unsafe { KernelBox::<T>::from_foreign(ptr) }))
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> Pin<&'a T>
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <Pin<KernelBox<T>> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> Pin<&'a mut T>
    where
        Self: 'a,
    {
        // SAFETY: By the contract of this function.
        unsafe { <Pin<KernelBox<T>> as ForeignOwnable>::borrow_mut(ptr) }
    }
}
