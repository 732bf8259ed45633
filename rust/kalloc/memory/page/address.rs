// SPDX-License-Identifier: GPL-2.0

//! [`FreePages`] and [`ExactPages`]: pages referred to by their address.

use super::{
    alloc,
    check,
    write,
    Addressable,
    AnyOrder,
    Kind,
    KindOf,
    Low,
    NewFreePages,
    Order,
    PageBytes,
    PageOrder,
    Pages, //
};
use crate::{
    alloc::deferred_free,
    contexts::grant::*,
    flags::{
        allocators::*,
        gfp::*, //
    },
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
    bindings,
    ffi,
    io::PhysAddr,
    page::PAGE_SIZE, //
};

/// Physically contiguous pages, a power of two of them, referred to by their address. Wraps
/// `__get_free_pages()` and `free_pages()`.
///
/// Dereferences to a slice of bytes. `From` converts from and to [`Pages`].
///
/// ```
/// use kalloc::prelude::*;
///
/// fn table(task: &TaskCx) -> Result<FreePages> {
///     // get_zeroed_page(GFP_KERNEL)
///     let mut table = FreePages::zeroed(task, Order::<0>)?;
///     table[7] = 1;
///     Ok(table)
/// }
/// ```
///
/// # Invariants
///
/// `memory` is the address of `1 << order` owned pages that were allocated together. They are
/// compound if `K` is [`Compound`](super::Compound), and initialised if `T` is `u8`.
#[doc(alias("free_pages", "free_page"))]
pub struct FreePages<O: PageOrder = Order<0>, T: PageBytes = u8, K: Kind = Low> {
    memory: NonNull<T>,
    order: O,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: It owns the pages, and any thread may free them.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Send for FreePages<O, T, K> {}
// SAFETY: Shared pages give only `&[T]`.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Sync for FreePages<O, T, K> {}

const _: () = assert!(size_of::<FreePages<Order<3>>>() == size_of::<usize>());

impl<O: PageOrder> FreePages<O> {
    /// New pages, wraps `__get_free_pages()`.
    ///
    /// # Errors
    ///
    /// As [`Pages::new_uninit`]. Flags that allow high memory do not compile.
    #[doc(alias("__get_free_pages", "__get_free_page"))]
    #[inline]
    pub fn new_uninit<G>(grant: G, order: O) -> Result<NewFreePages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
        KindOf<G>: Addressable,
    {
        const { check::<O, G::Flags>() };
        Self::checked(grant, order)
    }

    /// As [`FreePages::new_uninit`], for an order and flags that passed [`check`].
    #[inline(always)]
    fn checked<G>(grant: G, order: O) -> Result<NewFreePages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
        KindOf<G>: Addressable,
    {
        let memory = if G::ON_NODE {
            // C has no `__get_free_pages()` for a node.
            alloc_address(grant, order.order())
        } else {
            // SAFETY: The grant proves that the flags are legal in this context. Orders are at most
            // `MAX_ORDER`.
            unsafe { calls::get_free_pages(G::Flags::BITS, order.order()) as *mut _ }
        };
        let memory = NonNull::new(memory).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New pages of the kind that the flags give. A `MaybeUninit` needs no
        // initialisation.
        Ok(FreePages {
            memory,
            order,
            _memory: PhantomData,
        })
    }

    /// New zeroed pages, wraps `__get_free_pages()` with `__GFP_ZERO`, and so `get_zeroed_page()`.
    ///
    /// # Errors
    ///
    /// As [`FreePages::new_uninit`].
    #[doc(alias = "get_zeroed_page")]
    #[inline]
    pub fn zeroed<G>(
        grant: G,
        order: O,
    ) -> Result<FreePages<O, u8, KindOf<G>>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
        KindOf<G>: Addressable,
    {
        const { check::<O, G::Flags>() };
        let pages = Self::checked(grant.zeroed(), order).map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed.
        Ok(unsafe { pages.assume_init() })
    }
}

/// `page_address(alloc_pages_node())`, for flags that give addressable memory. Returns NULL if the
/// allocation fails.
#[inline(always)]
fn alloc_address<T, G>(grant: G, order: u32) -> *mut T
where
    G: Grant<Flags: ForPages>,
    KindOf<G>: Addressable,
{
    let page = alloc(grant, order);
    if page.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: `page` is a valid page. `KindOf<G>: Addressable`: it has an address.
    unsafe { kalloc_helper_page_address(page) }.cast()
}

impl<O: PageOrder, T: PageBytes, K: Kind> FreePages<O, T, K> {
    /// The order.
    #[inline(always)]
    pub fn order(&self) -> O {
        self.order
    }

    /// The address, for C or [`FreePages::from_raw`]. The caller must free the pages.
    #[inline(always)]
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).memory.as_ptr()
    }

    /// The memory. Makes no reference to it, since a device may be writing it.
    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut [T] {
        ptr::slice_from_raw_parts_mut(self.memory.as_ptr(), self.order.size())
    }

    /// Takes ownership of pages from C.
    ///
    /// # Safety
    ///
    /// As [`Pages::from_raw`], for the pages at the address `memory`.
    #[inline(always)]
    pub unsafe fn from_raw(memory: *mut T, order: O) -> Self {
        // INVARIANT: `# Safety`: owned pages, allocated together, of the kind `K`, initialised as
        // `T`.
        Self {
            // SAFETY: The address of pages is not NULL.
            memory: unsafe { NonNull::new_unchecked(memory) },
            order,
            _memory: PhantomData,
        }
    }

    /// The first `struct page`, wraps `virt_to_page()`. The `FreePages` keeps ownership.
    #[doc(alias = "virt_to_page")]
    #[inline]
    pub fn as_page(&self) -> *mut bindings::page {
        // SAFETY: Invariant of `FreePages`: `memory` is the address of pages.
        unsafe { kalloc_helper_virt_to_page(self.memory.as_ptr().cast()) }
    }

    /// The physical address. For device addresses use the DMA API.
    #[doc(alias = "virt_to_phys")]
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        // SAFETY: `as_page()` is a valid page.
        unsafe { kalloc_helper_page_to_phys(self.as_page()) }
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> Drop for FreePages<O, T, K> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `FreePages`: these are all pages of one allocation, and owned.
        unsafe { deferred_free::free_pages(self.memory.as_ptr() as usize, self.order.order()) };
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> Deref for FreePages<O, T, K> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: Invariant of `FreePages`: the pages have `size()` bytes, valid as `T`.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.order.size()) }
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> DerefMut for FreePages<O, T, K> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: Invariant of `FreePages`: the pages have `size()` bytes, valid as `T`. `self` is
        // borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.memory.as_ptr(), self.order.size()) }
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> fmt::Debug for FreePages<O, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreePages")
            .field("order", &self.order)
            .finish()
    }
}

impl<O: PageOrder, T: PageBytes, K: Addressable> From<Pages<O, T, K>> for FreePages<O, T, K> {
    /// Refers to the pages by their address, wraps `page_address()`.
    #[inline]
    fn from(pages: Pages<O, T, K>) -> Self {
        // INVARIANT: The pages are unchanged, and `memory` is their address.
        Self {
            memory: pages.address(),
            order: ManuallyDrop::new(pages).order,
            _memory: PhantomData,
        }
    }
}

impl<O: PageOrder, T: PageBytes, K: Addressable> From<FreePages<O, T, K>> for Pages<O, T, K> {
    /// Refers to the pages by their `struct page`, wraps `virt_to_page()`.
    #[inline]
    fn from(pages: FreePages<O, T, K>) -> Self {
        let (page, order) = (pages.as_page(), ManuallyDrop::new(pages).order);
        // SAFETY: Invariant of `FreePages`: owned pages, allocated together, of kind `K`,
        // initialised as `T`.
        unsafe { Pages::from_raw(page, order) }
    }
}

// Exact pages -----------------------------------------------------------------------------------

/// Physically contiguous pages for a number of bytes, referred to by their address. Wraps
/// `alloc_pages_exact()` and `free_pages_exact()`.
///
/// The pages that `alloc_pages()` would add up to a power of two stay free. Dereferences to a slice
/// of the requested size.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn frame(task: &TaskCx) -> Result<ExactPages> {
///     Ok(ExactPages::zeroed(task, 640 * 480 * 4)?)
/// }
/// ```
///
/// # Invariants
///
/// `memory` is the address of contiguous, owned single pages: as many as its length in bytes takes,
/// which is not 0. Its bytes are initialised if `T` is `u8`.
#[doc(alias = "free_pages_exact")]
pub struct ExactPages<T: PageBytes = u8> {
    memory: NonNull<[T]>,
}

// SAFETY: It owns the pages, and any thread may free them.
unsafe impl<T: PageBytes> Send for ExactPages<T> {}
// SAFETY: Shared pages give only `&[T]`.
unsafe impl<T: PageBytes> Sync for ExactPages<T> {}

impl ExactPages {
    /// New pages for `size` bytes, wraps `alloc_pages_exact()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails, and for 0 bytes or more than
    /// [`MAX_SIZE`](super::MAX_SIZE).
    #[doc(alias = "alloc_pages_exact")]
    #[inline]
    pub fn new_uninit<G>(
        grant: G,
        size: usize,
    ) -> Result<ExactPages<MaybeUninit<u8>>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPagesExact>,
    {
        let Ok(order) = AnyOrder::for_size(size) else {
            return Err(G::Flags::failed());
        };
        let memory = if G::ON_NODE {
            alloc_exact_node(grant, size, order)
        } else {
            // SAFETY: The grant proves that the flags are legal in this context. `for_size`
            // accepted the size.
            unsafe { calls::alloc_pages_exact(size, G::Flags::BITS) }
        };
        let memory = NonNull::new(memory.cast()).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New pages. A `MaybeUninit` needs no initialisation.
        Ok(ExactPages {
            memory: NonNull::slice_from_raw_parts(memory, size),
        })
    }

    /// New zeroed pages for `size` bytes, wraps `alloc_pages_exact()` with `__GFP_ZERO`.
    ///
    /// # Errors
    ///
    /// As [`ExactPages::new_uninit`].
    #[inline]
    pub fn zeroed<G>(grant: G, size: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPagesExact>,
    {
        let pages = ExactPages::new_uninit(grant.zeroed(), size).map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed.
        Ok(unsafe { pages.assume_init() })
    }
}

/// `alloc_pages_exact_nid()`, which is not exported to modules: splits a block and frees the
/// surplus. Returns NULL if the allocation fails.
fn alloc_exact_node<G>(grant: G, size: usize, order: AnyOrder) -> *mut ffi::c_void
where
    G: Grant<Flags: ForPagesExact>,
{
    let page = alloc(grant, order.order());
    if page.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: These are all pages of one allocation, and owned. They are not compound:
    // `ForPagesExact` accepts no such flags.
    unsafe { bindings::split_page(page, order.order()) };
    for index in size.div_ceil(PAGE_SIZE)..order.nr_pages() {
        // SAFETY: `index` is below the number of pages.
        let surplus = unsafe { page.add(index) };
        // SAFETY: After the split this is an owned single page.
        unsafe { bindings::__free_pages(surplus, 0) };
    }
    // SAFETY: `page` is valid. It has an address: `ForPagesExact` accepts no flags for high memory.
    unsafe { kalloc_helper_page_address(page) }
}

impl<T: PageBytes> ExactPages<T> {
    /// The number of pages.
    #[inline]
    pub fn nr_pages(&self) -> usize {
        self.len().div_ceil(PAGE_SIZE)
    }

    /// The physical address. For device addresses use the DMA API.
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        // SAFETY: Invariant of `ExactPages`: `memory` is the address of pages.
        let page = unsafe { kalloc_helper_virt_to_page(self.memory.as_ptr().cast()) };
        // SAFETY: `page` is a valid page.
        unsafe { kalloc_helper_page_to_phys(page) }
    }

    /// The address, for C or [`ExactPages::from_raw`]. The caller must free the pages.
    #[inline]
    pub fn into_raw(self) -> *mut [T] {
        ManuallyDrop::new(self).memory.as_ptr()
    }

    /// The memory. Makes no reference to it, since a device may be writing it.
    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut [T] {
        self.memory.as_ptr()
    }

    /// Takes ownership of pages from C.
    ///
    /// # Safety
    ///
    /// `memory` is from `alloc_pages_exact()` for as many bytes as its length, which is not 0. It
    /// has no other owner. It is initialised if `T` is `u8`.
    #[inline]
    pub unsafe fn from_raw(memory: *mut [T]) -> Self {
        // INVARIANT: `# Safety`: owned pages of `alloc_pages_exact()` for the length, initialised
        // as `T`.
        Self {
            // SAFETY: The address of pages is not NULL.
            memory: unsafe { NonNull::new_unchecked(memory) },
        }
    }
}

impl<T: PageBytes> Drop for ExactPages<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `ExactPages`: these are the pages for `len()` bytes, and owned.
        unsafe { deferred_free::free_pages_exact(self.memory.as_ptr().cast(), self.memory.len()) };
    }
}

impl<T: PageBytes> Deref for ExactPages<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: Invariant of `ExactPages`: the bytes of `memory` are valid as `T`.
        unsafe { self.memory.as_ref() }
    }
}

impl<T: PageBytes> DerefMut for ExactPages<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: Invariant of `ExactPages`: the bytes of `memory` are valid as `T`. `self` is
        // borrowed exclusively.
        unsafe { self.memory.as_mut() }
    }
}

impl<T: PageBytes> fmt::Debug for ExactPages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExactPages")
            .field("size", &self.memory.len())
            .finish()
    }
}

/// The initialisation of types that dereference to a slice.
macro_rules! initialise {
    ([$($generics:tt)*] $uninit:ty => $init:ty, $assume:expr) => {
        impl<$($generics)*> $uninit {
            /// Initialises every byte to `byte`.
            pub fn memset(mut self, byte: u8) -> $init {
                self.fill(MaybeUninit::new(byte));
                // SAFETY: Every byte was written above.
                unsafe { self.assume_init() }
            }

            /// Initialises the pages with a copy of `source`, followed by zeroes.
            ///
            /// # Errors
            ///
            /// The unchanged pages, if `source` is larger.
            pub fn write(mut self, source: &[u8]) -> Result<$init, Self> {
                if source.len() > self.len() {
                    return Err(self);
                }
                write(&mut self, source);
                // SAFETY: Every byte was written above.
                Ok(unsafe { self.assume_init() })
            }

            /// Asserts that the bytes are initialised.
            ///
            /// # Safety
            ///
            /// All bytes are initialised.
            #[inline(always)]
            pub unsafe fn assume_init(self) -> $init {
                // INVARIANT: `# Safety`: all bytes are initialised.
                $assume(self)
            }
        }
    };
}

initialise! {
    [O: PageOrder, K: Kind] FreePages<O, MaybeUninit<u8>, K> => FreePages<O, u8, K>,
    |this: Self| FreePages {
        order: this.order,
        memory: ManuallyDrop::new(this).memory.cast(),
        _memory: PhantomData,
    }
}

initialise! {
    [] ExactPages<MaybeUninit<u8>> => ExactPages,
    |this: Self| {
        let memory = ManuallyDrop::new(this).memory;
        ExactPages { memory: NonNull::slice_from_raw_parts(memory.cast(), memory.len()) }
    }
}
