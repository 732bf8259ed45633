// SPDX-License-Identifier: GPL-2.0

//! Pages by their address: [`FreePages`], a power of two of them, and [`ExactPages`], as many as a size
//! takes.

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
        gfp::*,
        matrix::*, //
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

/// Physically contiguous pages, a power of two of them, known by their address: wraps
/// `__get_free_pages()` and `free_pages()`.
///
/// It is a slice of its bytes. It becomes [`Pages`], and is made of them, by `From`.
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
/// `memory` is the address of `1 << order` pages that were allocated together and that this owns.
/// They are compound if `K` says so, and their bytes are initialised if `T` says so.
pub struct FreePages<O: PageOrder = Order<0>, T: PageBytes = u8, K: Kind = Low> {
    memory: NonNull<T>,
    order: O,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Send for FreePages<O, T, K> {}
// SAFETY: Shared pages give no more than `&[T]`.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Sync for FreePages<O, T, K> {}

const _: () = assert!(size_of::<FreePages<Order<3>>>() == size_of::<usize>());

impl<O: PageOrder> FreePages<O> {
    /// New pages, wraps `__get_free_pages()`.
    ///
    /// # Errors
    ///
    /// As [`Pages::new_uninit`]; flags that allow high memory do not compile.
    #[inline]
    pub fn new_uninit<G>(grant: G, order: O) -> Result<NewFreePages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
        KindOf<G>: Addressable,
    {
        const { check::<O, G::Flags>() };
        Self::checked(grant, order)
    }

    /// As [`FreePages::new_uninit`], of what was checked.
    #[inline(always)]
    fn checked<G>(grant: G, order: O) -> Result<NewFreePages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
        KindOf<G>: Addressable,
    {
        let memory = if G::ON_NODE {
            // C has no such function that takes a node.
            alloc_address(grant, order.order())
        } else {
            // SAFETY: The flags are legal in this context, which is what the grant says. Orders are
            // at most `MAX_ORDER`.
            unsafe { calls::get_free_pages(G::Flags::BITS, order.order()) as *mut _ }
        };
        let memory = NonNull::new(memory).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New pages, of the memory that the flags give; and a `MaybeUninit` is always
        // initialised.
        Ok(FreePages {
            memory,
            order,
            _memory: PhantomData,
        })
    }

    /// New pages of zeroes, wraps `__get_free_pages()` with `__GFP_ZERO`, which for one page is
    /// `get_zeroed_page()`.
    ///
    /// # Errors
    ///
    /// As [`FreePages::new_uninit`].
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
        match Self::checked(grant.zeroed(), order) {
            // SAFETY: The memory is zero.
            Ok(pages) => Ok(unsafe { pages.assume_init() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }
}

/// `page_address(alloc_pages_node())`, for flags that give memory with an address. NULL where there
/// is none.
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
    // SAFETY: It is a page, which has an address, as the bound says.
    unsafe { kalloc_helper_page_address(page) }.cast()
}

impl<O: PageOrder, T: PageBytes, K: Kind> FreePages<O, T, K> {
    /// The order.
    #[inline(always)]
    pub fn order(&self) -> O {
        self.order
    }

    /// The address, for C or [`FreePages::from_raw`], which must free the pages.
    #[inline(always)]
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).memory.as_ptr()
    }

    /// The memory, without a reference to it: a device may be writing it.
    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut [T] {
        ptr::slice_from_raw_parts_mut(self.memory.as_ptr(), self.order.size())
    }

    /// Takes over pages from C.
    ///
    /// # Safety
    ///
    /// As [`Pages::from_raw`], for the pages at the address `memory`.
    #[inline(always)]
    pub unsafe fn from_raw(memory: *mut T, order: O) -> Self {
        // INVARIANT: By the contract of this function.
        Self {
            // SAFETY: No page is at NULL.
            memory: unsafe { NonNull::new_unchecked(memory) },
            order,
            _memory: PhantomData,
        }
    }

    /// The first `struct page`, wraps `virt_to_page()`. The pages stay owned here.
    #[inline]
    pub fn as_page(&self) -> *mut bindings::page {
        // SAFETY: By the invariant it is the address of pages.
        unsafe { kalloc_helper_virt_to_page(self.memory.as_ptr().cast()) }
    }

    /// The physical address. Devices are given addresses by the DMA API.
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        // SAFETY: It is a page.
        unsafe { kalloc_helper_page_to_phys(self.as_page()) }
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> Drop for FreePages<O, T, K> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant these are all the pages of an allocation, which were ours.
        unsafe { deferred_free::free_pages(self.memory.as_ptr() as usize, self.order.order()) };
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> Deref for FreePages<O, T, K> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: By the invariant there are so many bytes, which are `T`s.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.order.size()) }
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> DerefMut for FreePages<O, T, K> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: By the invariant there are so many bytes, which are `T`s, borrowed exclusively.
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
    /// The same pages by their address, wraps `page_address()`.
    #[inline]
    fn from(pages: Pages<O, T, K>) -> Self {
        // INVARIANT: They are what they were.
        Self {
            memory: pages.address(),
            order: ManuallyDrop::new(pages).order,
            _memory: PhantomData,
        }
    }
}

impl<O: PageOrder, T: PageBytes, K: Addressable> From<FreePages<O, T, K>> for Pages<O, T, K> {
    /// The same pages by their `struct page`, wraps `virt_to_page()`.
    #[inline]
    fn from(pages: FreePages<O, T, K>) -> Self {
        let (page, order) = (pages.as_page(), ManuallyDrop::new(pages).order);
        // SAFETY: They are what they were, by the invariant of the other.
        unsafe { Pages::from_raw(page, order) }
    }
}

// As many pages as a size takes ----------------------------------------------------------------------------------------

/// As many physically contiguous pages as a number of bytes takes, known by their address: wraps
/// `alloc_pages_exact()` and `free_pages_exact()`.
///
/// What `alloc_pages()` would give beyond them, up to a power of two, stays free. It is a slice of
/// just the bytes that were asked for.
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
/// `memory` is the address of single pages that follow one another, as many as its length, above 0,
/// takes, which this owns. Its bytes are initialised if `T` says so.
pub struct ExactPages<T: PageBytes = u8> {
    memory: NonNull<[T]>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<T: PageBytes> Send for ExactPages<T> {}
// SAFETY: Shared pages give no more than `&[T]`.
unsafe impl<T: PageBytes> Sync for ExactPages<T> {}

impl ExactPages {
    /// New pages for `size` bytes, wraps `alloc_pages_exact()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory, and for 0 bytes or more than [`MAX_SIZE`](super::MAX_SIZE).
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
            // SAFETY: The flags are legal in this context, which is what the grant says. The size
            // is one that an order holds.
            unsafe { calls::alloc_pages_exact(size, G::Flags::BITS) }
        };
        let memory = NonNull::new(memory.cast()).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New pages; and a `MaybeUninit` is always initialised.
        Ok(ExactPages {
            memory: NonNull::slice_from_raw_parts(memory, size),
        })
    }

    /// New pages of zeroes for `size` bytes, wraps `alloc_pages_exact()` with `__GFP_ZERO`.
    ///
    /// # Errors
    ///
    /// As [`ExactPages::new_uninit`].
    #[inline]
    pub fn zeroed<G>(grant: G, size: usize) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPagesExact>,
    {
        match ExactPages::new_uninit(grant.zeroed(), size) {
            // SAFETY: The memory is zero.
            Ok(pages) => Ok(unsafe { pages.assume_init() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }
}

/// `alloc_pages_exact_nid()`, which modules do not have: splits a block and frees what is too much.
/// NULL where there is no memory.
fn alloc_exact_node<G>(grant: G, size: usize, order: AnyOrder) -> *mut ffi::c_void
where
    G: Grant<Flags: ForPagesExact>,
{
    let page = alloc(grant, order.order());
    if page.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: These are all the pages of an allocation, ours, and not compound: no flags for this
    // allocator are.
    unsafe { bindings::split_page(page, order.order()) };
    for index in size.div_ceil(PAGE_SIZE)..order.nr_pages() {
        // SAFETY: There are so many pages.
        let surplus = unsafe { page.add(index) };
        // SAFETY: It is a single page now, which nobody else has.
        unsafe { bindings::__free_pages(surplus, 0) };
    }
    // SAFETY: It is a page, which has an address: no flags for this allocator allow others.
    unsafe { kalloc_helper_page_address(page) }
}

impl<T: PageBytes> ExactPages<T> {
    /// The number of pages.
    #[inline]
    pub fn nr_pages(&self) -> usize {
        self.len().div_ceil(PAGE_SIZE)
    }

    /// The physical address. Devices are given addresses by the DMA API.
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        // SAFETY: By the invariant it is the address of pages.
        let page = unsafe { kalloc_helper_virt_to_page(self.memory.as_ptr().cast()) };
        // SAFETY: It is a page.
        unsafe { kalloc_helper_page_to_phys(page) }
    }

    /// The address, for C or [`ExactPages::from_raw`], which must free the pages.
    #[inline]
    pub fn into_raw(self) -> *mut [T] {
        ManuallyDrop::new(self).memory.as_ptr()
    }

    /// The memory, without a reference to it: a device may be writing it.
    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut [T] {
        self.memory.as_ptr()
    }

    /// Takes over pages from C.
    ///
    /// # Safety
    ///
    /// `memory` is of `alloc_pages_exact()` for as many bytes as its length, above 0, which nobody
    /// else has from here on, initialised if `T` is `u8`.
    #[inline]
    pub unsafe fn from_raw(memory: *mut [T]) -> Self {
        // INVARIANT: By the contract of this function.
        Self {
            // SAFETY: No page is at NULL.
            memory: unsafe { NonNull::new_unchecked(memory) },
        }
    }
}

impl<T: PageBytes> Drop for ExactPages<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant these are the single pages of that size, which were ours.
        unsafe { deferred_free::free_pages_exact(self.memory.as_ptr().cast(), self.memory.len()) };
    }
}

impl<T: PageBytes> Deref for ExactPages<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: By the invariant.
        unsafe { self.memory.as_ref() }
    }
}

impl<T: PageBytes> DerefMut for ExactPages<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: By the invariant, and the pages are borrowed exclusively.
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

/// Memory that is a slice becomes initialised in the same way.
macro_rules! initialise {
    ([$($generics:tt)*] $uninit:ty => $init:ty, $assume:expr) => {
        impl<$($generics)*> $uninit {
            /// Initialises every byte with `byte`.
            pub fn memset(mut self, byte: u8) -> $init {
                self.fill(MaybeUninit::new(byte));
                // SAFETY: Every byte was just written.
                unsafe { self.assume_init() }
            }

            /// Initialises the pages with a copy of `source` and zeroes behind it.
            ///
            /// # Errors
            ///
            /// The pages as they were, where `source` is larger.
            pub fn write(mut self, source: &[u8]) -> Result<$init, Self> {
                if source.len() > self.len() {
                    return Err(self);
                }
                write(&mut self, source);
                // SAFETY: Every byte was just written.
                Ok(unsafe { self.assume_init() })
            }

            /// Claims that the bytes are initialised.
            ///
            /// # Safety
            ///
            /// They are.
            #[inline(always)]
            pub unsafe fn assume_init(self) -> $init {
                // INVARIANT: Initialised by the contract of this function.
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
