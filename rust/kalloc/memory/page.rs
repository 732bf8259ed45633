// SPDX-License-Identifier: GPL-2.0

//! Whole pages, from the page allocator.
//!
//! C headers: [`include/linux/gfp.h`](srctree/include/linux/gfp.h),
//! [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/highmem.h`](srctree/include/linux/highmem.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`Pages`] | `alloc_pages()`, `__free_pages()`: known by its `struct page` |
//! | [`FreePages`] | `__get_free_pages()`, `get_zeroed_page()`, `free_pages()`: known by its address |
//! | [`ExactPages`] | `alloc_pages_exact()`, `free_pages_exact()` |
//! | [`alloc_bulk`] | `alloc_pages_bulk()` |
//! | [`Pages::split`] | `split_page()` |
//! | [`Pages::page_address`] | `page_address()` |
//! | [`Pages::map_local`], [`Pages::map_local_mut`] | `kmap_local_page()`, `kunmap_local()` |
//! | any of them with [`Grant::on`] | `alloc_pages_node()`, … |
//!
//! Three things about pages are types:
//!
//! * How many: [`Order<N>`](Order) is known at build time, [`AnyOrder`] is not.
//! * Initialised or not: `u8`, or `MaybeUninit<u8>` before [`Pages::memset`] or [`Pages::write`].
//! * What memory: [`Low`] has a kernel address. [`High`], which the flags `.highmem()`,
//!   [`GfpHighUser`](crate::gfp::GfpHighUser) and [`GfpHighUserMovable`](crate::gfp::GfpHighUserMovable) give,
//!   may have none and is seen through local mappings only. [`Compound`], which `.comp()` gives, is
//!   one page to the kernel and cannot be split.
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
//! Pages are freed when they are dropped, which takes no token and never sleeps. It is legal wherever
//! they can be made, and with a lock held; the kernel forbids it in an NMI handler. With interrupts or
//! preemption disabled on `CONFIG_PREEMPT_RT` they are freed soon after, by a thread.

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
pub const MAX_ORDER: u32 = bindings::MAX_PAGE_ORDER;

/// The largest allocation in bytes: a block of [`MAX_ORDER`].
pub const MAX_SIZE: usize = PAGE_SIZE << MAX_ORDER;

/// The largest order for which the kernel keeps the promise of `__GFP_NOFAIL`.
const MAX_NOFAIL_ORDER: u32 = 1;

/// What must not compile for the order `O` and the flags `F`.
const fn check<O: PageOrder, F: Gfp>() {
    assert!(O::MAX <= MAX_ORDER, "an order above MAX_PAGE_ORDER");
    assert!(
        !F::NOFAIL || O::MAX <= MAX_NOFAIL_ORDER,
        "the kernel keeps the promise of nofail only up to order 1"
    );
}

/// Physically contiguous pages, a power of two of them, known by the first `struct page`: wraps
/// `alloc_pages()` and `__free_pages()`.
///
/// A pointer for an order that is known at build time, and `Option<Pages<Order<N>>>` is no larger.
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
/// `page` is the first of `1 << order` pages that were allocated together and that this owns: it
/// holds the only reference that counts. They are compound if `K` says so. They have a kernel
/// address if `K: Addressable`. Their bytes are initialised if `T` says so.
pub struct Pages<O: PageOrder = Order<0>, T: PageBytes = u8, K: Kind = Low> {
    page: NonNull<bindings::page>,
    order: O,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Send for Pages<O, T, K> {}
// SAFETY: Shared pages give no more than `&[T]`.
unsafe impl<O: PageOrder, T: PageBytes, K: Kind> Sync for Pages<O, T, K> {}

const _: () = assert!(size_of::<Pages<Order<3>>>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<Pages>>() == size_of::<usize>());

impl<O: PageOrder> Pages<O> {
    /// New pages, wraps `alloc_pages()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory. A constant order above [`MAX_ORDER`], and under
    /// `nofail` above 1 or at run time, does not compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn copy(cx: &AtomicCx<'_>, packet: &[u8]) -> Result<Pages> {
    ///     let page = Pages::new_uninit(cx, Order::<0>)?;
    ///     page.write(packet).map_err(|_page| EMSGSIZE)
    /// }
    /// ```
    #[inline]
    pub fn new_uninit<G>(grant: G, order: O) -> Result<NewPages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
    {
        const { check::<O, G::Flags>() };
        Self::checked(grant, order)
    }

    /// As [`Pages::new_uninit`], of what was checked.
    #[inline(always)]
    fn checked<G>(grant: G, order: O) -> Result<NewPages<O, G>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
    {
        let page = NonNull::new(alloc(grant, order.order())).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New pages, of the memory that the flags give; and a `MaybeUninit` is always
        // initialised.
        Ok(Pages {
            page,
            order,
            _memory: PhantomData,
        })
    }

    /// New pages of zeroes, wraps `alloc_pages()` with `__GFP_ZERO`.
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
        match Self::checked(grant.zeroed(), order) {
            // SAFETY: The memory is zero.
            Ok(pages) => Ok(unsafe { pages.assume_init() }),
            Err(AllocFailed(failure)) => Err(AllocFailed(failure)),
        }
    }
}

/// Wraps `alloc_pages()`, or `alloc_pages_node()` where the grant asks for a node. NULL where there
/// is no memory.
#[inline(always)]
fn alloc<G: Grant>(grant: G, order: u32) -> *mut bindings::page {
    // SAFETY: The flags are legal in this context, which is what the grant says, and `nid` is that
    // of a node that is or was online. Orders are at most `MAX_ORDER`.
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

    /// The physical address, wraps `page_to_phys()`. Devices are given addresses by the DMA API.
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        // SAFETY: By the invariant it is a page.
        unsafe { kalloc_helper_page_to_phys(self.as_ptr()) }
    }

    /// The number of the first page frame, wraps `page_to_pfn()`.
    #[inline]
    pub fn pfn(&self) -> usize {
        // SAFETY: By the invariant it is a page.
        unsafe { kalloc_helper_page_to_pfn(self.as_ptr()) }
    }

    /// The NUMA node, wraps `page_to_nid()`.
    #[inline]
    pub fn nid(&self) -> i32 {
        // SAFETY: By the invariant it is a page.
        unsafe { bindings::page_to_nid(self.as_ptr()) }
    }

    /// The first `struct page`, for C. The pages stay owned here.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut bindings::page {
        self.page.as_ptr()
    }

    /// The first `struct page`, for C or [`Pages::from_raw`], which must free the pages.
    #[inline(always)]
    pub fn into_raw(self) -> *mut bindings::page {
        ManuallyDrop::new(self).as_ptr()
    }

    /// Takes over pages from C.
    ///
    /// # Safety
    ///
    /// `page` is the first of `1 << order` pages that were allocated together, which nobody else
    /// has from here on. They are a compound page if, and only if, `K` is [`Compound`]. They have a
    /// kernel address if `K` is [`Addressable`], and are initialised if `T` is `u8`.
    #[inline(always)]
    pub unsafe fn from_raw(page: *mut bindings::page, order: O) -> Self {
        // INVARIANT: By the contract of this function.
        Self {
            // SAFETY: No page is at NULL.
            page: unsafe { NonNull::new_unchecked(page) },
            order,
            _memory: PhantomData,
        }
    }

    /// The bytes, wraps `page_address()`.
    ///
    /// A call each time: [`FreePages`] keeps the address instead.
    #[inline]
    pub fn page_address(&self) -> &[T]
    where
        K: Addressable,
    {
        let address = self.address().as_ptr();
        // SAFETY: By the invariant there are so many bytes, which are `T`s, borrowed with `self`.
        unsafe { slice::from_raw_parts(address, self.size()) }
    }

    /// The bytes, to be written, wraps `page_address()`.
    #[inline]
    pub fn page_address_mut(&mut self) -> &mut [T]
    where
        K: Addressable,
    {
        let address = self.address().as_ptr();
        // SAFETY: By the invariant there are so many bytes, which are `T`s, borrowed exclusively
        // with `self`.
        unsafe { slice::from_raw_parts_mut(address, self.size()) }
    }

    #[inline(always)]
    pub(crate) fn address(&self) -> NonNull<T>
    where
        K: Addressable,
    {
        // SAFETY: By the invariant it is a page.
        let address = unsafe { kalloc_helper_page_address(self.as_ptr()) };
        // SAFETY: By the invariant it has an address.
        unsafe { NonNull::new_unchecked(address.cast()) }
    }

    /// The pages one by one, wraps `split_page()`. What the iterator has not given is freed with
    /// it.
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
    #[inline]
    pub fn split(self) -> Split<T, K>
    where
        K: Splittable,
    {
        let nr_pages = self.nr_pages();
        let order = self.order.order();
        let page = self.into_raw();
        // SAFETY: By the invariant these are all the pages of an allocation, which were ours, and
        // no compound page.
        unsafe { bindings::split_page(page, order) };
        // INVARIANT: Each page has a reference of its own now.
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

    /// Runs `f` on each page in turn, mapped. A mapping ends before the next one begins, and `f` is
    /// of this module and makes none, so that no token is needed.
    #[inline]
    fn each_page(&mut self, mut f: impl FnMut(&mut [T])) {
        for index in 0..self.nr_pages() {
            // SAFETY: There are so many pages.
            let page = unsafe { self.as_ptr().add(index) };
            // SAFETY: It is a page, and the mapping ends below.
            let address = unsafe { bindings::kmap_local_page(page) };
            // SAFETY: A mapping is a page of bytes, which by the invariant are `T`s, borrowed
            // exclusively with `self`.
            f(unsafe { slice::from_raw_parts_mut(address.cast(), PAGE_SIZE) });
            // SAFETY: It is the last mapping of this thread.
            unsafe { bindings::kunmap_local(address) };
        }
    }
}

impl<O: PageOrder, K: Kind> Pages<O, MaybeUninit<u8>, K> {
    /// Initialises every byte with `byte`. High memory is mapped for that.
    pub fn memset(mut self, byte: u8) -> Pages<O, u8, K> {
        self.each_page(|page| page.fill(MaybeUninit::new(byte)));
        // SAFETY: Every byte was just written.
        unsafe { self.assume_init() }
    }

    /// Initialises the pages with a copy of `source` and zeroes behind it. High memory is mapped
    /// for that.
    ///
    /// # Errors
    ///
    /// The pages as they were, where `source` is larger.
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
        // SAFETY: Every byte was just written.
        Ok(unsafe { self.assume_init() })
    }

    /// Claims that the bytes are initialised.
    ///
    /// # Safety
    ///
    /// They are.
    #[inline(always)]
    pub unsafe fn assume_init(self) -> Pages<O, u8, K> {
        // INVARIANT: Initialised by the contract of this function.
        self.with_contents()
    }
}

/// Initialises `memory` with `source`, which is not longer, and zeroes behind it.
fn write(memory: &mut [MaybeUninit<u8>], source: &[u8]) {
    let (head, tail) = memory.split_at_mut(source.len());
    // SAFETY: Both are of one length, and exclusively borrowed memory is apart from the source.
    unsafe { ptr::copy_nonoverlapping(source.as_ptr(), head.as_mut_ptr().cast(), source.len()) };
    tail.fill(MaybeUninit::new(0));
}

impl<O: PageOrder, T: PageBytes> Pages<O, T, High> {
    /// The same as memory with a kernel address, which it has unless `PageHighMem()`.
    ///
    /// # Errors
    ///
    /// The pages, where they are in high memory.
    #[inline]
    pub fn into_low(self) -> Result<Pages<O, T, Low>, Self> {
        // SAFETY: By the invariant it is a page.
        if unsafe { kalloc_helper_page_highmem(self.as_ptr()) } {
            return Err(self);
        }
        // INVARIANT: The pages of an allocation are of one zone, so all have an address.
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
        // SAFETY: By the invariant these are all the pages of an allocation, which were ours.
        unsafe { deferred_free::__free_pages(self.page.as_ptr(), self.order.order()) };
    }
}

impl<O: PageOrder, T: PageBytes, K: Kind> fmt::Debug for Pages<O, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("order", &self.order).finish()
    }
}

/// Single pages, made by [`Pages::split`].
///
/// # Invariants
///
/// From `page` on `left` single pages follow one another that this owns, of the memory `K`,
/// initialised as `T` says.
pub struct Split<T: PageBytes = u8, K: Kind = Low> {
    page: *mut bindings::page,
    left: usize,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<T: PageBytes, K: Kind> Send for Split<T, K> {}
// SAFETY: A shared iterator gives no more than its length.
unsafe impl<T: PageBytes, K: Kind> Sync for Split<T, K> {}

impl<T: PageBytes, K: Kind> Iterator for Split<T, K> {
    type Item = Pages<Order<0>, T, K>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let page = self.page;
        // The last page has none behind it.
        self.page = page.wrapping_add(1);
        // SAFETY: By the invariant it is a single page, which is no longer ours.
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
