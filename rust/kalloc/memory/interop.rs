// SPDX-License-Identifier: GPL-2.0

//! Conversions to and from the kernel crate's containers, and its constructors with kalloc's
//! grants.
//!
//! Boxes and vectors convert in both directions without a copy, since both crates use the same
//! allocators. A container from the kernel crate with fewer than 8 bytes has no space for the list
//! node of a deferred free. kmalloc's memory behind the value is unused, but KASAN and KFENCE may
//! report the write.
//!
//! [`ArcExt`] and [`KVecExt`] add constructors to `Arc` and `KVec` that take a grant. The kernel
//! crate's take `Flags` that nothing checks. They support no NUMA node: a grant made by
//! [`Grant::on`] does not compile.

#[doc(no_inline)]
pub use kernel::interop::*;

use crate::{
    alloc::{
        allocator::Allocator,
        kmalloc, //
    },
    contexts::grant::Grant,
    flags::{
        allocators::ForKrealloc,
        gfp::{
            AllocFailed,
            Gfp, //
        },
        properties::MayFail, //
    },
    ground::allocator_types::Kmalloc,
    memory::{
        boxed::{
            bytes,
            Box, //
        },
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
    sync::{
        Arc,
        Refcount, //
    },
    types::ForeignOwnable, //
};

impl<T: ?Sized, A: Allocator> From<Box<T, A>> for KernelBox<T, A::KernelAllocator> {
    #[inline]
    fn from(this: Box<T, A>) -> Self {
        // SAFETY: Invariant of `Box`: owned memory of `A` that holds a `T`, or a `T` without size.
        unsafe { KernelBox::from_raw(this.into_raw()) }
    }
}

impl<T: ?Sized, A: Allocator> From<KernelBox<T, A::KernelAllocator>> for Box<T, A> {
    #[inline]
    fn from(this: KernelBox<T, A::KernelAllocator>) -> Self {
        // SAFETY: Owned memory of the same allocator that holds a `T`, or a `T` without size.
        unsafe { Box::from_raw(KernelBox::into_raw(this)) }
    }
}

impl<T, A: Allocator> From<Box<[T], A>> for KernelVec<T, A::KernelAllocator> {
    /// A vector without spare capacity.
    #[inline]
    fn from(this: Box<[T], A>) -> Self {
        Vec::from(this).into()
    }
}

impl<T, A: Allocator> From<KernelVec<T, A::KernelAllocator>> for Box<[T], A> {
    /// Converts without a copy. The box keeps the spare capacity until it is freed.
    #[inline]
    fn from(this: KernelVec<T, A::KernelAllocator>) -> Self {
        Vec::from(this).into_boxed_slice()
    }
}

impl<T, A: Allocator> From<Vec<T, A>> for KernelVec<T, A::KernelAllocator> {
    #[inline]
    fn from(this: Vec<T, A>) -> Self {
        let (elements, len, capacity) = this.into_raw_parts();
        // SAFETY: Owned memory of `A` for `capacity` elements, of which `len` are initialised, or
        // no memory and a capacity of 0.
        unsafe { KernelVec::from_raw_parts(elements, len, capacity) }
    }
}

impl<T, A: Allocator> From<KernelVec<T, A::KernelAllocator>> for Vec<T, A> {
    #[inline]
    fn from(this: KernelVec<T, A::KernelAllocator>) -> Self {
        let (elements, len, capacity) = this.into_raw_parts();
        // SAFETY: As above, in the other direction.
        unsafe { Vec::from_raw_parts(elements, len, capacity) }
    }
}

/// The flags of a grant as the kernel crate's [`Flags`], for its own allocating functions.
///
/// In kalloc's prelude `GFP_KERNEL` is a constant of a distinct type, which those functions do not
/// take. Nothing checks how those functions use the flags, nor where a stored value is used later.
/// No function of kalloc takes a [`Flags`].
///
/// A grant made by [`Grant::on`] does not compile: [`Flags`] have no node.
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

/// The layout of what an `Arc` allocates.
#[repr(C)]
struct InArc<T> {
    refs: Refcount,
    value: T,
}

/// Fails the build if an `Arc` of a `T` is too large for kmalloc, which would warn.
const fn fits_in_arc<T>() {
    assert!(
        size_of::<InArc<T>>() <= kmalloc::MAX_SIZE,
        "larger than KMALLOC_MAX_SIZE, with the reference count"
    );
}

/// `Arc` constructors that take a grant. A `T` that is larger than [`kmalloc::MAX_SIZE`] with its
/// reference count does not compile.
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
    // Not `#[inline]`: rustc would not report the line in the driver that has too large a `T`.
    fn new_with<G>(grant: G, value: T) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        const { fits_in_arc::<T>() };
        Arc::new(value, flags(grant)).map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn pin_init_with<G, E>(grant: G, init: impl PinInit<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
        Error: From<E>,
    {
        const { fits_in_arc::<T>() };
        <Arc<T> as InPlaceInit<T>>::pin_init(init, flags(grant))
    }
}

/// Whether a vector may grow by `additional` elements more. An error for a size above
/// [`kmalloc::MAX_SIZE`], of which kmalloc would warn.
#[inline(always)]
fn may_grow<T, F: Gfp>(vec: &KVec<T>, additional: usize) -> Result<(), AllocFailed<F>> {
    let (len, capacity) = (vec.len(), vec.capacity());
    if additional > capacity - len {
        // What `KVec::reserve` allocates.
        let room = len.checked_add(additional).ok_or_else(F::failed)?;
        bytes::<T, Kmalloc, F>(room.max(capacity.saturating_mul(2)))?;
    }
    Ok(())
}

/// `KVec` functions that take a grant. A vector that would need more than [`kmalloc::MAX_SIZE`]
/// bytes, or twice its capacity if that is more than it needs, does not grow.
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
        bytes::<T, Kmalloc, G::Flags>(capacity)?;
        KVec::with_capacity(capacity, flags(grant)).map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn reserve_with<G>(&mut self, grant: G, additional: usize) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        may_grow::<T, G::Flags>(self, additional)?;
        self.reserve(additional, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }

    #[inline]
    fn push_with<G>(&mut self, grant: G, value: T) -> Result<(), AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        may_grow::<T, G::Flags>(self, 1)?;
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
        may_grow::<T, G::Flags>(self, slice.len())?;
        self.extend_from_slice(slice, flags(grant))
            .map_err(|AllocError| G::Flags::failed())
    }
}

/// The foreign pointer of a box. For a type without size the kernel crate returns the dangling
/// pointer, which has the alignment of the type and not the promised `FOREIGN_ALIGN`: an XArray
/// takes some of these for internal entries.
fn into_foreign<T, A: Allocator>(this: Box<T, A>) -> *mut c_void {
    if const { size_of::<T>() == 0 } {
        // There is no memory, and `from_foreign` makes a dangling pointer again.
        let _this = ManuallyDrop::new(this);
        return ptr::without_provenance_mut(<Box<T, A> as ForeignOwnable>::FOREIGN_ALIGN);
    }
    KernelBox::<T, A::KernelAllocator>::from(this).into_foreign()
}

/// The inverse of [`into_foreign`].
///
/// # Safety
///
/// `foreign` is from [`into_foreign`], and is not used again.
unsafe fn from_foreign<T, A: Allocator>(foreign: *mut c_void) -> Box<T, A> {
    let raw = if const { size_of::<T>() == 0 } {
        ptr::dangling_mut()
    } else {
        foreign.cast()
    };
    // SAFETY: `# Safety`: the memory of a box that was forgotten, or no memory for a type without
    // size.
    unsafe { Box::from_raw(raw) }
}

// SAFETY: `into_foreign` returns memory of the allocator, or `FOREIGN_ALIGN` itself for a type
// without size.
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
        // SAFETY: `# Safety` of `from_foreign`: `ptr` is from `into_foreign` and is not used again.
        unsafe { from_foreign(ptr) }
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> &'a T
    where
        Self: 'a,
    {
        // SAFETY: `# Safety` of `borrow`: `ptr` is from `into_foreign` and valid for `'a`.
        unsafe { <KernelBox<T, A::KernelAllocator> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> &'a mut T
    where
        Self: 'a,
    {
        // SAFETY: `# Safety` of `borrow_mut`: `ptr` is from `into_foreign`, valid and exclusive for
        // `'a`.
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
        // SAFETY: The value does not move, and the foreign pointer gives only pinned access.
        into_foreign(unsafe { Pin::into_inner_unchecked(self) })
    }

    unsafe fn from_foreign(ptr: *mut c_void) -> Self {
        // SAFETY: `# Safety` of `from_foreign`: `ptr` is from `into_foreign` and is not used again.
        Pin::from(unsafe { from_foreign::<T, A>(ptr) })
    }

    unsafe fn borrow<'a>(ptr: *mut c_void) -> Pin<&'a T>
    where
        Self: 'a,
    {
        // SAFETY: `# Safety` of `borrow`: `ptr` is from `into_foreign` and valid for `'a`.
        unsafe { <Pin<KernelBox<T, A::KernelAllocator>> as ForeignOwnable>::borrow(ptr) }
    }

    unsafe fn borrow_mut<'a>(ptr: *mut c_void) -> Pin<&'a mut T>
    where
        Self: 'a,
    {
        // SAFETY: `# Safety` of `borrow_mut`: `ptr` is from `into_foreign`, valid and exclusive for
        // `'a`.
        unsafe { <Pin<KernelBox<T, A::KernelAllocator>> as ForeignOwnable>::borrow_mut(ptr) }
    }
}
