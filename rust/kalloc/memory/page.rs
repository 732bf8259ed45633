// SPDX-License-Identifier: GPL-2.0

//! [`Pages`] and [`FreePages`]: whole pages of the page allocator.
//!
//! C headers: [`include/linux/gfp.h`](srctree/include/linux/gfp.h),
//! [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/highmem.h`](srctree/include/linux/highmem.h)
//!
//! The page [Pages](pages/page.html) says more.
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Pages`] | `alloc_pages()`, `__free_pages()`: referred to by `struct page` |
//! | [`FreePages`] | `__get_free_pages()`, `get_zeroed_page()`, `free_pages()`: referred to by address |
//! | [`ExactPages`] | `alloc_pages_exact()`, `free_pages_exact()` |
//! | [`alloc_bulk`] | `alloc_pages_bulk()` |
//! | [`Pages::split`] | `split_page()` |
//! | [`Pages::page_address`] | `page_address()` |
//! | [`Pages::map_local`], [`Pages::map_local_mut`] | `kmap_local_page()`, `kunmap_local()` |
//! | any of them with [`Grant::on`] | `alloc_pages_node()`, … |
//!
//! Types express three properties of pages:
//!
//! * The order: [`Order<N>`](Order) is constant, [`AnyOrder`] is known at run time.
//! * Initialisation: `u8`, or `MaybeUninit<u8>` before [`Pages::memset`] or [`Pages::write`].
//! * The kind: [`Low`] memory has a kernel address. [`High`] memory may have none and is accessed
//!   through local mappings. The flags `.highmem()`, [`GfpHighUser`](crate::gfp::GfpHighUser) and
//!   [`GfpHighUserMovable`](crate::gfp::GfpHighUserMovable) give it. [`Compound`] pages, which
//!   `.comp()` gives, cannot be split.
//!
//! ```
//! use kalloc::prelude::*;
//!
//! struct Ring {
//!     descriptors: FreePages<Order<2>>,
//!     buffers: Pages<AnyOrder>,
//! }
//!
//! fn ring(task: &TaskCx, order: u32) -> Result<Ring> {
//!     Ok(Ring {
//!         descriptors: FreePages::zeroed(task, Order::<2>)?,
//!         buffers: Pages::zeroed(task.with(GFP_KERNEL.account()), AnyOrder::new(order)?)?,
//!     })
//! }
//! ```
//!
//! # Context
//!
//! Dropping pages frees them, takes no token and never sleeps. Pages may be dropped in every
//! context in which they can be made, also with a lock held, but not in an NMI handler. With
//! interrupts or preemption disabled on `CONFIG_PREEMPT_RT` a thread frees them soon after.

mod address;
mod bulk;
mod contents;
mod kernel_page;
mod map;
mod order;

#[doc(inline)]
pub use crate::flags::page_kind::{
    Addressable,
    Compound,
    High,
    Kind,
    Low,
    Memory,
    Splittable, //
};
pub use address::{
    ExactPages,
    FreePages, //
};
pub use bulk::alloc_bulk;
pub use contents::{
    KindOf,
    NewFreePages,
    NewPages,
    PageBytes, //
};
pub use map::MapLocal;
pub use order::{
    AnyOrder,
    Order,
    PageOrder, //
};

#[doc(no_inline)]
pub use kernel::page::*;

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
    ptr::{
        self,
        NonNull, //
    },
    slice, //
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    error::Result,
    io::PhysAddr, //
};

/// The largest order of the page allocator, `MAX_PAGE_ORDER`.
#[doc(alias = "MAX_PAGE_ORDER")]
pub const MAX_ORDER: u32 = bindings::MAX_PAGE_ORDER;

/// The largest allocation in bytes: a block of [`MAX_ORDER`].
pub const MAX_SIZE: usize = PAGE_SIZE << MAX_ORDER;

/// The largest order for which the kernel honours `__GFP_NOFAIL`.
const MAX_NOFAIL_ORDER: u32 = 1;

/// Fails the build for an order `O` that is too large, with the flags `F` or with any.
const fn check<O: PageOrder, F: Gfp>() {
    assert!(O::MAX <= MAX_ORDER, "an order above MAX_PAGE_ORDER");
    assert!(
        !F::NOFAIL || O::MAX <= MAX_NOFAIL_ORDER,
        "the kernel guarantees __GFP_NOFAIL only up to order 1"
    );
}

/// Physically contiguous pages, a power of two of them, referred to by the first `struct page`.
/// Wraps `alloc_pages()` and `__free_pages()`.
///
/// With a constant order this is one pointer, and `Option<Pages<Order<N>>>` is no larger.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn dma_buffer(task: &TaskCx) -> Result<Pages<Order<3>>> {
///     let mut buffer = Pages::zeroed(task.with(GFP_KERNEL.dma32()), Order::<3>)?;
///     buffer.page_address_mut()[0] = 1;
///     Ok(buffer)
/// }
/// ```
///
/// # Invariants
///
/// `page` is the first of `1 << order` owned pages that were allocated together: this holds their
/// only reference. They are compound if `K` is [`Compound`]. They have a kernel address if
/// `K: Addressable`. Their bytes are initialised if `T` is `u8`.
#[doc(alias("__free_pages", "__free_page"))]
pub struct Pages<O: PageOrder = Order<0>, T: PageBytes = u8, K: Kind = Low> {
    page: NonNull<bindings::page>,
    order: O,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: It owns the pages, and any thread may free them.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Send for Pages<O, T, K> {}
// SAFETY: Shared pages give only `&[T]`.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Sync for Pages<O, T, K> {}

const _: () = assert!(size_of::<Pages<Order<3>>>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<Pages>>() == size_of::<usize>());

impl<O: PageOrder> Pages<O> {
    /// New pages, wraps `alloc_pages()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails. A constant order above [`MAX_ORDER`] does not
    /// compile. With `nofail`, an order above 1 or known only at run time does not compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn copy(cx: &AtomicCx<'_>, packet: &[u8]) -> Result<Pages> {
    ///     let page = Pages::new_uninit(cx, Order::<0>)?;
    ///     page.write(packet).map_err(|_page| EMSGSIZE)
    /// }
    /// ```
    #[doc(alias("alloc_pages", "alloc_page"))]
    #[inline]
    pub fn new_uninit<G>(grant: G, order: O) -> Result<NewPages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
    {
        const { check::<O, G::Flags>() };
        Self::checked(grant, order)
    }

    /// As [`Pages::new_uninit`], for an order and flags that passed [`check`].
    #[inline(always)]
    fn checked<G>(grant: G, order: O) -> Result<NewPages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
    {
        let page = NonNull::new(alloc(grant, order.order())).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New pages of the kind that the flags give. A `MaybeUninit` needs no
        // initialisation.
        Ok(Pages {
            page,
            order,
            _memory: PhantomData,
        })
    }

    /// New zeroed pages, wraps `alloc_pages()` with `__GFP_ZERO`.
    ///
    /// # Errors
    ///
    /// As [`Pages::new_uninit`].
    #[inline]
    pub fn zeroed<G>(grant: G, order: O) -> Result<Pages<O, u8, KindOf<G>>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
    {
        const { check::<O, G::Flags>() };
        let pages = Self::checked(grant.zeroed(), order).map_err(AllocFailed::of_base)?;
        // SAFETY: The memory is zeroed.
        Ok(unsafe { pages.assume_init() })
    }
}

/// Wraps `alloc_pages()`, or `alloc_pages_node()` if the grant has a node. Returns NULL if the
/// allocation fails.
#[inline(always)]
fn alloc<G: Grant>(grant: G, order: u32) -> *mut bindings::page {
    // SAFETY: The grant proves that the flags are legal in this context, and that `nid` is a node
    // that is or was online. The callers' bounds ask for flags that the page allocator accepts, and
    // their orders are at most `MAX_ORDER`.
    unsafe {
        if G::ON_NODE {
            calls::alloc_pages_node(grant.nid(), G::Flags::BITS, order)
        } else {
            calls::alloc_pages(G::Flags::BITS, order)
        }
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> Pages<O, T, K> {
    /// The order.
    #[inline(always)]
    pub fn order(&self) -> O {
        self.order
    }

    /// The number of pages.
    #[inline(always)]
    pub fn nr_pages(&self) -> usize {
        self.order.nr_pages()
    }

    /// The number of bytes.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.order.size()
    }

    /// The physical address, wraps `page_to_phys()`. For device addresses use the DMA API.
    #[doc(alias = "page_to_phys")]
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        // SAFETY: Invariant of `Pages`: `page` is a valid page.
        unsafe { kalloc_helper_page_to_phys(self.as_ptr()) }
    }

    /// The number of the first page frame, wraps `page_to_pfn()`.
    #[doc(alias = "page_to_pfn")]
    #[inline]
    pub fn pfn(&self) -> usize {
        // SAFETY: Invariant of `Pages`: `page` is a valid page.
        unsafe { kalloc_helper_page_to_pfn(self.as_ptr()) }
    }

    /// The NUMA node, wraps `page_to_nid()`.
    #[doc(alias = "page_to_nid")]
    #[inline]
    pub fn nid(&self) -> i32 {
        // SAFETY: Invariant of `Pages`: `page` is a valid page.
        unsafe { bindings::page_to_nid(self.as_ptr()) }
    }

    /// The first `struct page`, for C. The `Pages` keeps ownership.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut bindings::page {
        self.page.as_ptr()
    }

    /// The first `struct page`, for C or [`Pages::from_raw`]. The caller must free the pages.
    #[inline(always)]
    pub fn into_raw(self) -> *mut bindings::page {
        ManuallyDrop::new(self).as_ptr()
    }

    /// Takes ownership of pages from C.
    ///
    /// # Safety
    ///
    /// `page` is the first of `1 << order` pages that were allocated together and have no other
    /// owner. They are a compound page if, and only if, `K` is [`Compound`]. They have a kernel
    /// address if `K` is [`Addressable`]. They are initialised if `T` is `u8`.
    #[inline(always)]
    pub unsafe fn from_raw(page: *mut bindings::page, order: O) -> Self {
        // INVARIANT: `# Safety`: owned pages, allocated together, of the kind `K`, initialised as
        // `T`.
        Self {
            // SAFETY: A `struct page` is not at NULL.
            page: unsafe { NonNull::new_unchecked(page) },
            order,
            _memory: PhantomData,
        }
    }

    /// The bytes, wraps `page_address()`.
    ///
    /// Each call looks up the address. [`FreePages`] stores it.
    #[inline]
    pub fn page_address(&self) -> &[T]
    where
        K: Addressable,
    {
        let address = self.address().as_ptr();
        // SAFETY: Invariant of `Pages`: the pages have `size()` bytes, valid as `T`. They are
        // borrowed with `self`.
        unsafe { slice::from_raw_parts(address, self.size()) }
    }

    /// The bytes, mutably, wraps `page_address()`.
    #[inline]
    pub fn page_address_mut(&mut self) -> &mut [T]
    where
        K: Addressable,
    {
        let address = self.address().as_ptr();
        // SAFETY: Invariant of `Pages`: the pages have `size()` bytes, valid as `T`. They are
        // borrowed exclusively with `self`.
        unsafe { slice::from_raw_parts_mut(address, self.size()) }
    }

    #[inline(always)]
    pub(crate) fn address(&self) -> NonNull<T>
    where
        K: Addressable,
    {
        // SAFETY: Invariant of `Pages`: `page` is a valid page.
        let address = unsafe { kalloc_helper_page_address(self.as_ptr()) };
        // SAFETY: Invariant of `Pages`: `K: Addressable`, so the page has an address.
        unsafe { NonNull::new_unchecked(address.cast()) }
    }

    /// Splits the pages into single pages, wraps `split_page()`. Dropping the iterator frees the
    /// remaining pages.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// /// Two pages that follow one another and are freed apart.
    /// fn two(task: &TaskCx) -> Result<(Pages, Pages)> {
    ///     let mut pages = Pages::zeroed(task, Order::<1>)?.split();
    ///     pages.next().zip(pages.next()).ok_or(EINVAL)
    /// }
    /// ```
    #[doc(alias = "split_page")]
    #[inline]
    pub fn split(self) -> Split<T, K>
    where
        K: Splittable,
    {
        let nr_pages = self.nr_pages();
        let order = self.order.order();
        let page = self.into_raw();
        // SAFETY: Invariant of `Pages`: these are all pages of one allocation, and owned.
        // `K: Splittable`: they are no compound page.
        unsafe { bindings::split_page(page, order) };
        // INVARIANT: After the split each page has its own reference.
        Split {
            page,
            left: nr_pages,
            _memory: PhantomData,
        }
    }

    #[inline(always)]
    fn with_contents<U: PageBytes>(self) -> Pages<O, U, K> {
        let order = self.order;
        Pages {
            page: ManuallyDrop::new(self).page,
            order,
            _memory: PhantomData,
        }
    }

    /// Calls `f` on each page in turn, mapped by `kmap_local_page()`. Takes no token: mappings do
    /// not overlap, and `f`, always a closure of this module, makes none.
    #[inline]
    fn each_page(&mut self, mut f: impl FnMut(&mut [T])) {
        for index in 0..self.nr_pages() {
            // SAFETY: `index` is below the number of pages.
            let page = unsafe { self.as_ptr().add(index) };
            // SAFETY: `page` is valid, and it is unmapped below.
            let address = unsafe { bindings::kmap_local_page(page) };
            // SAFETY: A mapping has `PAGE_SIZE` bytes, valid as `T` (invariant of `Pages`), and
            // borrowed exclusively with `self`.
            f(unsafe { slice::from_raw_parts_mut(address.cast(), PAGE_SIZE) });
            // SAFETY: This is the last mapping that this thread made.
            unsafe { bindings::kunmap_local(address) };
        }
    }
}

impl<O: PageOrder, K: Kind> Pages<O, MaybeUninit<u8>, K> {
    /// Initialises every byte to `byte`. Maps high memory for that.
    pub fn memset(mut self, byte: u8) -> Pages<O, u8, K> {
        self.each_page(|page| page.fill(MaybeUninit::new(byte)));
        // SAFETY: Every byte was written above.
        unsafe { self.assume_init() }
    }

    /// Initialises the pages with a copy of `source`, followed by zeroes. Maps high memory for
    /// that.
    ///
    /// # Errors
    ///
    /// The unchanged pages, if `source` is larger.
    pub fn write(mut self, source: &[u8]) -> Result<Pages<O, u8, K>, Self> {
        if source.len() > self.size() {
            return Err(self);
        }
        let mut rest = source;
        self.each_page(|page| {
            let (head, tail) = rest.split_at(rest.len().min(PAGE_SIZE));
            write(page, head);
            rest = tail;
        });
        // SAFETY: Every byte was written above.
        Ok(unsafe { self.assume_init() })
    }

    /// Asserts that the bytes are initialised.
    ///
    /// # Safety
    ///
    /// All bytes are initialised.
    #[inline(always)]
    pub unsafe fn assume_init(self) -> Pages<O, u8, K> {
        // INVARIANT: `# Safety`: all bytes are initialised.
        self.with_contents()
    }
}

/// Initialises `memory` with `source`, which is not longer, followed by zeroes.
fn write(memory: &mut [MaybeUninit<u8>], source: &[u8]) {
    let (head, tail) = memory.split_at_mut(source.len());
    // SAFETY: Both have the same length. `head` is borrowed exclusively, so they do not overlap.
    unsafe { ptr::copy_nonoverlapping(source.as_ptr(), head.as_mut_ptr().cast(), source.len()) };
    tail.fill(MaybeUninit::new(0));
}

impl<O: PageOrder, T: PageBytes> Pages<O, T, High> {
    /// Converts to memory with a kernel address, unless `PageHighMem()`.
    ///
    /// # Errors
    ///
    /// The unchanged pages, if they are in high memory.
    #[inline]
    pub fn into_low(self) -> Result<Pages<O, T, Low>, Self> {
        // SAFETY: Invariant of `Pages`: `page` is a valid page.
        if unsafe { kalloc_helper_page_highmem(self.as_ptr()) } {
            return Err(self);
        }
        // INVARIANT: All pages of an allocation are from one zone, so all have an address.
        Ok(Pages {
            order: self.order,
            page: ManuallyDrop::new(self).page,
            _memory: PhantomData,
        })
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> Drop for Pages<O, T, K> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `Pages`: these are all pages of one allocation, and owned.
        unsafe { deferred_free::__free_pages(self.page.as_ptr(), self.order.order()) };
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> fmt::Debug for Pages<O, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("order", &self.order).finish()
    }
}

/// Iterator over single pages, made by [`Pages::split`].
///
/// # Invariants
///
/// `page` is the first of `left` contiguous, owned single pages of the kind `K`, initialised if `T`
/// is `u8`.
pub struct Split<T: PageBytes = u8, K: Kind = Low> {
    page: *mut bindings::page,
    left: usize,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: It owns the pages, and any thread may free them.
unsafe impl<T: PageBytes, K: Kind> Send for Split<T, K> {}
// SAFETY: A shared iterator gives only its length.
unsafe impl<T: PageBytes, K: Kind> Sync for Split<T, K> {}

impl<T: PageBytes, K: Kind> Iterator for Split<T, K> {
    type Item = Pages<Order<0>, T, K>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let page = self.page;
        // Wrapping, since the last page may have no successor.
        self.page = page.wrapping_add(1);
        // SAFETY: Invariant of `Split`: `page` is an owned single page. This gives up its
        // ownership.
        Some(unsafe { Pages::from_raw(page, Order) })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: PageBytes, K: Kind> ExactSizeIterator for Split<T, K> {}

impl<T: PageBytes, K: Kind> Drop for Split<T, K> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl<T: PageBytes, K: Kind> fmt::Debug for Split<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("left", &self.left).finish()
    }
}
