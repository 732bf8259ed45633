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
//! | [`PageMem`] | `__get_free_pages()`, `get_zeroed_page()`, `free_pages()`: known by its address |
//! | [`ExactPages`] | `alloc_pages_exact()`, `free_pages_exact()` |
//! | [`alloc_bulk`] | `alloc_pages_bulk()` |
//! | [`Pages::split`] | `split_page()` |
//! | [`Pages::page_address`] | `page_address()` |
//! | [`Pages::map_local`], [`Pages::kmap_local`] | `kmap_local_page()`, `kunmap_local()` |
//! | any of them with [`Grant::on`] | `alloc_pages_node()`, … |
//!
//! Three things about pages are types:
//!
//! * How many: [`Order<N>`](Order) is known at build time, [`AnyOrder`] is not.
//! * Initialised or not: `u8`, or `MaybeUninit<u8>` before [`Pages::memset`] or [`Pages::write`].
//! * What memory: [`Low`] has a kernel address. [`High`], which the flags `.highmem()`,
//!   [`HighUser`](crate::gfp::HighUser) and [`HighUserMovable`](crate::gfp::HighUserMovable) give,
//!   may have none and is seen through local mappings only. [`Compound`], which `.comp()` gives, is
//!   one page to the kernel and cannot be split.
//!
//! ```
//! use kalloc::prelude::*;
//!
//! struct Ring {
//!     descriptors: PageMem<Order<2>>,
//!     buffers: Pages<AnyOrder>,
//! }
//!
//! fn ring(task: &Task, order: u32) -> Result<Ring> {
//!     Ok(Ring {
//!         descriptors: PageMem::zeroed(task, Order::<2>)?,
//!         buffers: Pages::zeroed(task.with(Kernel.account()), AnyOrder::new(order)?)?,
//!     })
//! }
//! ```
//!
//! Pages are freed when they are dropped, which takes no token. That is allowed wherever the page
//! allocator is: not in NMI, and on `CONFIG_PREEMPT_RT` not with interrupts or preemption disabled.

use crate::{
    context::{private::Sealed, Atomic, Context, Irq, NoFs, NoIo, Raw, Task},
    gfp::*,
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::{Deref, DerefMut},
    ptr::{self, NonNull},
    slice,
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    error::{code::EINVAL, Result},
    ffi,
    io::PhysAddr,
    page::{BorrowedPage, Page, PAGE_SIZE},
};

/// The largest order of the page allocator, `MAX_PAGE_ORDER`.
pub const MAX_ORDER: u32 = bindings::MAX_PAGE_ORDER;

/// The largest allocation in bytes: a block of [`MAX_ORDER`].
pub const MAX_SIZE: usize = PAGE_SIZE << MAX_ORDER;

/// The largest order for which the kernel keeps the promise of `__GFP_NOFAIL`.
const MAX_NOFAIL_ORDER: u32 = 1;

/// The functions behind C's macros.
#[cfg(not(CONFIG_MEM_ALLOC_PROFILING))]
mod raw {
    #[cfg(CONFIG_NUMA)]
    pub(super) use kernel::bindings::alloc_pages_noprof as alloc_pages;
    pub(super) use kernel::bindings::{
        alloc_pages_exact_noprof as alloc_pages_exact, alloc_pages_node_noprof as alloc_pages_node,
        get_free_pages_noprof as get_free_pages,
    };

    /// An inline function in C, since there is but one node.
    #[cfg(not(CONFIG_NUMA))]
    #[inline(always)]
    pub(super) unsafe fn alloc_pages(
        flags: super::bindings::gfp_t,
        order: u32,
    ) -> *mut super::bindings::page {
        // SAFETY: As for the caller.
        unsafe { alloc_pages_node(0, flags, order) }
    }
}

/// With allocation profiling C's macros do more than name a function: C makes the call.
#[cfg(CONFIG_MEM_ALLOC_PROFILING)]
mod raw {
    pub(super) use kalloc_bindings::{
        kalloc_helper_alloc_pages as alloc_pages,
        kalloc_helper_alloc_pages_exact as alloc_pages_exact,
        kalloc_helper_alloc_pages_node as alloc_pages_node,
        kalloc_helper_get_free_pages as get_free_pages,
    };
}

// How many -------------------------------------------------------------------------------------------------------------

/// How many pages: an order is the exponent of a power of two.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an order of pages",
    note = "`Order::<N>` is an order that is known at build time, `AnyOrder::new(n)?` one that is not"
)]
pub trait PageOrder: Sealed + Copy + fmt::Debug + Send + Sync + 'static {
    /// The largest order that a value of this type has.
    #[doc(hidden)]
    const MAX: u32;

    /// The exponent.
    fn order(self) -> u32;

    /// The number of pages.
    #[inline(always)]
    fn nr_pages(self) -> usize {
        1 << self.order()
    }

    /// The number of bytes.
    #[inline(always)]
    fn size(self) -> usize {
        PAGE_SIZE << self.order()
    }
}

/// An order that is known at build time. One above [`MAX_ORDER`] does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<const N: u32>;

impl<const N: u32> Sealed for Order<N> {}
impl<const N: u32> PageOrder for Order<N> {
    const MAX: u32 = N;
    #[inline(always)]
    fn order(self) -> u32 {
        N
    }
}

/// An order that is known at run time.
///
/// # Invariants
///
/// It is at most [`MAX_ORDER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyOrder(u32);

impl AnyOrder {
    /// The order `order`.
    ///
    /// # Errors
    ///
    /// `EINVAL` above [`MAX_ORDER`], which would be a warning in the kernel.
    ///
    /// ```
    /// use kalloc::{page::MAX_ORDER, prelude::*};
    ///
    /// assert!(AnyOrder::new(MAX_ORDER + 1).is_err());
    /// ```
    #[inline]
    pub const fn new(order: u32) -> Result<Self> {
        if order <= MAX_ORDER {
            // INVARIANT: It was just compared.
            Ok(Self(order))
        } else {
            Err(EINVAL)
        }
    }

    /// The smallest order that holds `size` bytes, wraps `get_order()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for 0 bytes, of which C's result is undefined, and for more than [`MAX_SIZE`].
    ///
    /// ```
    /// use kalloc::{page::PageOrder, prelude::*};
    /// use kernel::page::PAGE_SIZE;
    ///
    /// assert_eq!(AnyOrder::for_size(3 * PAGE_SIZE)?.order(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub const fn for_size(size: usize) -> Result<Self> {
        if size == 0 || size > MAX_SIZE {
            return Err(EINVAL);
        }
        // INVARIANT: At most `MAX_SIZE` bytes fit in an order of `MAX_ORDER`.
        Ok(Self(
            size.div_ceil(PAGE_SIZE)
                .next_power_of_two()
                .trailing_zeros(),
        ))
    }
}

impl Sealed for AnyOrder {}
impl PageOrder for AnyOrder {
    const MAX: u32 = MAX_ORDER;
    #[inline(always)]
    fn order(self) -> u32 {
        self.0
    }
}

/// What must not compile for the order `O` and the flags `F`.
const fn check<O: PageOrder, F: Gfp>() {
    assert!(O::MAX <= MAX_ORDER, "an order above MAX_PAGE_ORDER");
    assert!(
        !F::NOFAIL || O::MAX <= MAX_NOFAIL_ORDER,
        "the kernel keeps the promise of nofail only up to order 1"
    );
}

// Initialised or not ---------------------------------------------------------------------------------------------------

/// What the bytes of pages are: `u8`, or `MaybeUninit<u8>`.
pub trait Contents: private::Contents + Copy + Send + Sync + 'static {}

impl Contents for u8 {}
impl Contents for MaybeUninit<u8> {}

mod private {
    /// Keeps the trait of that name for bytes.
    pub trait Contents {}
    impl Contents for u8 {}
    impl Contents for core::mem::MaybeUninit<u8> {}
}

// What memory ----------------------------------------------------------------------------------------------------------

/// What memory pages are: [`Low`], [`High`], or [`Compound`] of one of them.
pub trait Kind: Sealed + 'static {
    /// The same as a compound page.
    #[doc(hidden)]
    type Compound: Kind;
    /// The same where it may be high.
    #[doc(hidden)]
    type High: Kind;
}

/// Memory with a kernel address.
#[derive(Debug)]
pub struct Low;

/// Memory that may have no kernel address: it is seen through local mappings.
#[derive(Debug)]
pub struct High;

/// A compound page of the memory `K`.
#[derive(Debug)]
pub struct Compound<K>(PhantomData<K>);

macro_rules! kinds {
    ($($kind:ty: $compound:ty, $high:ty;)*) => {$(
        impl Sealed for $kind {}
        impl Kind for $kind {
            type Compound = $compound;
            type High = $high;
        }
    )*};
}

kinds! {
    Low: Compound<Low>, High;
    High: Compound<High>, High;
    Compound<Low>: Compound<Low>, Compound<High>;
    Compound<High>: Compound<High>, Compound<High>;
}

/// Memory with a kernel address.
#[diagnostic::on_unimplemented(
    message = "memory that may be high has no kernel address",
    label = "these pages may have no kernel address",
    note = "see it through `Pages::map_local`, or allocate it without `.highmem()`, `HighUser` and `HighUserMovable`"
)]
pub trait Addressable: Kind {}
impl Addressable for Low {}
impl Addressable for Compound<Low> {}

/// Pages that are not one compound page.
#[diagnostic::on_unimplemented(
    message = "a compound page cannot be split",
    label = "these pages are one compound page",
    note = "allocate them without `.comp()`"
)]
pub trait Splittable: Kind {}
impl Splittable for Low {}
impl Splittable for High {}

/// The memory that flags give.
pub trait Memory: Gfp {
    /// What memory it is.
    type Kind: Kind;
}

macro_rules! memory {
    (
        bases: $([$($base:ident)*] => $kind:ty;)*
        modifiers: [$($same:ident)*] => same; [$($high:ident)*] => High; [$($comp:ident)*] => Compound;
    ) => {
        $($(impl Memory for $base { type Kind = $kind; })*)*
        $(impl<F: Memory> Memory for $same<F> where Self: Gfp { type Kind = F::Kind; })*
        $(impl<F: Memory> Memory for $high<F> { type Kind = <F::Kind as Kind>::High; })*
        $(impl<F: Memory> Memory for $comp<F> { type Kind = <F::Kind as Kind>::Compound; })*
    };
}

memory! {
    bases:
        [Kernel KernelAccount User GfpNoFs GfpNoIo GfpAtomic GfpNowait NoReclaim] => Low;
        [HighUser HighUserMovable] => High;
    modifiers:
        [Dma Dma32 NoRetry RetryMayfail NoFail Movable Reclaimable Zeroed NoWarn Account ThisNode Hardwall
         NoMemalloc] => same;
        [Highmem] => High;
        [Comp] => Compound;
}

/// The memory that the grant `G` gives.
pub type KindOf<G> = <<G as Grant>::Flags as Memory>::Kind;

/// Pages that the grant `G` gives, before they are initialised.
pub type NewPages<O, G> = Pages<O, MaybeUninit<u8>, KindOf<G>>;

/// The same, known by their address.
pub type NewPageMem<O, G> = PageMem<O, MaybeUninit<u8>, KindOf<G>>;

// Pages by their struct page -------------------------------------------------------------------------------------------

/// Physically contiguous pages, a power of two of them, known by the first `struct page`: wraps
/// `alloc_pages()` and `__free_pages()`.
///
/// A pointer for an order that is known at build time, and `Option<Pages<Order<N>>>` is no larger.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn dma_buffer(task: &Task) -> Result<Pages<Order<3>>> {
///     let mut buffer = Pages::zeroed(task.with(Kernel.dma32()), Order::<3>)?;
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
pub struct Pages<O: PageOrder = Order<0>, T: Contents = u8, K: Kind = Low> {
    page: NonNull<bindings::page>,
    order: O,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<O: PageOrder, T: Contents, K: Kind> Send for Pages<O, T, K> {}
// SAFETY: Shared pages give no more than `&[T]`.
unsafe impl<O: PageOrder, T: Contents, K: Kind> Sync for Pages<O, T, K> {}

const _: () = assert!(size_of::<Pages<Order<3>>>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<Pages>>() == size_of::<usize>());

impl<O: PageOrder> Pages<O> {
    /// New pages, wraps `alloc_pages()`.
    ///
    /// # Errors
    ///
    /// [`Failed`] where there is no memory. A constant order above [`MAX_ORDER`], and under
    /// `nofail` above 1 or at run time, does not compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn copy(cx: &Atomic<'_>, packet: &[u8]) -> Result<Pages> {
    ///     let page = Pages::new_uninit(cx, Order::<0>)?;
    ///     page.write(packet).map_err(|_page| EMSGSIZE)
    /// }
    /// ```
    #[inline]
    pub fn new_uninit<G>(grant: G, order: O) -> Result<NewPages<O, G>, Failed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
    {
        const { check::<O, G::Flags>() };
        Self::checked(grant, order)
    }

    /// As [`Pages::new_uninit`], of what was checked.
    #[inline(always)]
    fn checked<G>(grant: G, order: O) -> Result<NewPages<O, G>, Failed<G::Flags>>
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
    pub fn zeroed<G>(grant: G, order: O) -> Result<Pages<O, u8, KindOf<G>>, Failed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
    {
        const { check::<O, G::Flags>() };
        match Self::checked(grant.zeroed(), order) {
            // SAFETY: The memory is zero.
            Ok(pages) => Ok(unsafe { pages.assume_init() }),
            Err(Failed(failure)) => Err(Failed(failure)),
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
            raw::alloc_pages_node(grant.nid(), G::Flags::BITS, order)
        } else {
            raw::alloc_pages(G::Flags::BITS, order)
        }
    }
}

impl<O: PageOrder, T: Contents, K: Kind> Pages<O, T, K> {
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
    /// A call each time: [`PageMem`] keeps the address instead.
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
    fn address(&self) -> NonNull<T>
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
    /// fn two(task: &Task) -> Result<(Pages, Pages)> {
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
    fn with_contents<U: Contents>(self) -> Pages<O, U, K> {
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

impl<O: PageOrder, T: Contents> Pages<O, T, High> {
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

impl<O: PageOrder, T: Contents, K: Kind> Drop for Pages<O, T, K> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant these are all the pages of an allocation, which were ours.
        unsafe { bindings::__free_pages(self.page.as_ptr(), self.order.order()) };
    }
}

impl<O: PageOrder, T: Contents, K: Kind> fmt::Debug for Pages<O, T, K> {
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
pub struct Split<T: Contents = u8, K: Kind = Low> {
    page: *mut bindings::page,
    left: usize,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<T: Contents, K: Kind> Send for Split<T, K> {}
// SAFETY: A shared iterator gives no more than its length.
unsafe impl<T: Contents, K: Kind> Sync for Split<T, K> {}

impl<T: Contents, K: Kind> Iterator for Split<T, K> {
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

impl<T: Contents, K: Kind> ExactSizeIterator for Split<T, K> {}

impl<T: Contents, K: Kind> Drop for Split<T, K> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl<T: Contents, K: Kind> fmt::Debug for Split<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("left", &self.left).finish()
    }
}

// Local mappings -------------------------------------------------------------------------------------------------------

/// Contexts in which a page may be mapped: all but NMI.
#[diagnostic::on_unimplemented(
    message = "no page may be mapped in `{Self}`",
    label = "a token such as `&mut task` or `cx` is expected here",
    note = "an NMI handler must use memory that has an address: pages without `.highmem()`"
)]
pub trait MapLocal: Context {}
impl MapLocal for Task {}
impl MapLocal for NoFs<'_> {}
impl MapLocal for NoIo<'_> {}
impl MapLocal for Atomic<'_> {}
impl MapLocal for Irq<'_> {}
impl MapLocal for Raw<'_> {}
impl<C: MapLocal> MapLocal for &mut C {}

impl<O: PageOrder, T: Contents, K: Kind> Pages<O, T, K> {
    /// Runs `f` on the bytes of the page `index`, wraps `kmap_local_page()` and `kunmap_local()`.
    ///
    /// Mappings are undone in the reverse of their order. That is why the token is borrowed for as
    /// long: `f` gets it back, for what it does meanwhile and for mappings within this one.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is no such page.
    ///
    /// ```
    /// use kalloc::{page::High, prelude::*};
    ///
    /// fn copy(task: &mut Task, from: &Pages<Order<0>, u8, High>) -> Result<Pages> {
    ///     let mut to = Pages::zeroed(&task, Order::<0>)?;
    ///     from.map_local(task, 0, |from, task| {
    ///         to.map_local_mut(task, 0, |to, _task| to.copy_from_slice(from))
    ///     })??;
    ///     Ok(to)
    /// }
    /// ```
    #[inline]
    pub fn map_local<C, R>(
        &self,
        cx: &mut C,
        index: usize,
        f: impl FnOnce(&[T], &mut C) -> R,
    ) -> Result<R>
    where
        C: MapLocal,
    {
        let mut mapped = self.kmap_local(cx, index)?;
        let (page, cx) = mapped.split();
        Ok(f(page, cx))
    }

    /// As [`Pages::map_local`], to be written.
    #[inline]
    pub fn map_local_mut<C, R>(
        &mut self,
        cx: &mut C,
        index: usize,
        f: impl FnOnce(&mut [T], &mut C) -> R,
    ) -> Result<R>
    where
        C: MapLocal,
    {
        let mut mapped = self.kmap_local_mut(cx, index)?;
        let (page, cx) = mapped.split_mut();
        Ok(f(page, cx))
    }

    /// Maps the page `index` until the mapping is dropped, wraps `kmap_local_page()`.
    ///
    /// For code that a closure does not fit. A mapping that is leaked (`mem::forget`) stays, and
    /// those around it are then undone out of order: [`Pages::map_local`] cannot do that.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is no such page.
    #[inline]
    pub fn kmap_local<'a, C>(
        &'a self,
        cx: &'a mut C,
        index: usize,
    ) -> Result<Mapped<'a, &'a [T], C>>
    where
        C: MapLocal,
    {
        let address = self.map(index)?;
        // SAFETY: A mapping is a page of bytes, which by the invariant are `T`s, borrowed with
        // `self`.
        let page = unsafe { slice::from_raw_parts(address.as_ptr(), PAGE_SIZE) };
        // INVARIANT: It was just mapped, and the token is borrowed from here on.
        Ok(Mapped { page, cx })
    }

    /// As [`Pages::kmap_local`], to be written.
    #[inline]
    pub fn kmap_local_mut<'a, C>(
        &'a mut self,
        cx: &'a mut C,
        index: usize,
    ) -> Result<Mapped<'a, &'a mut [T], C>>
    where
        C: MapLocal,
    {
        let address = self.map(index)?;
        // SAFETY: A mapping is a page of bytes, which by the invariant are `T`s, borrowed
        // exclusively with `self`.
        let page = unsafe { slice::from_raw_parts_mut(address.as_ptr(), PAGE_SIZE) };
        // INVARIANT: It was just mapped, and the token is borrowed from here on.
        Ok(Mapped { page, cx })
    }

    #[inline]
    fn map(&self, index: usize) -> Result<NonNull<T>> {
        if index >= self.nr_pages() {
            return Err(EINVAL);
        }
        // SAFETY: There are so many pages.
        let page = unsafe { self.as_ptr().add(index) };
        // SAFETY: It is a page. Who calls this undoes the mapping.
        let address = unsafe { bindings::kmap_local_page(page) };
        // SAFETY: A mapping is not at NULL.
        Ok(unsafe { NonNull::new_unchecked(address.cast()) })
    }
}

/// A page that is mapped until this is dropped, made by [`Pages::kmap_local`].
///
/// It holds the token, so that it stays on its thread and mappings within it end before it does.
///
/// ```
/// use kalloc::{page::High, prelude::*};
///
/// fn copy(task: &mut Task, from: &Pages<Order<0>, u8, High>, to: &mut Pages) -> Result {
///     let mut from = from.kmap_local(task, 0)?;
///     let (from, task) = from.split();
///     to.kmap_local_mut(task, 0)?.copy_from_slice(from);
///     Ok(())
/// }
/// ```
///
/// # Invariants
///
/// `page` is a local mapping of this thread, the last one that is not undone while nobody else has
/// the token.
pub struct Mapped<'a, P: Deref, C> {
    page: P,
    cx: &'a mut C,
}

impl<T, P: Deref<Target = [T]>, C> Mapped<'_, P, C> {
    /// The token, for mappings within this one.
    #[inline(always)]
    pub fn cx(&mut self) -> &mut C {
        self.cx
    }

    /// The bytes and the token, both at once.
    #[inline(always)]
    pub fn split(&mut self) -> (&[T], &mut C) {
        (&self.page, self.cx)
    }

    /// The bytes, to be written, and the token, both at once.
    #[inline(always)]
    pub fn split_mut(&mut self) -> (&mut [T], &mut C)
    where
        P: DerefMut,
    {
        (&mut self.page, self.cx)
    }
}

impl<P: Deref, C> Drop for Mapped<'_, P, C> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant, since we have the token, it is the last mapping.
        unsafe { bindings::kunmap_local((&raw const *self.page).cast()) };
    }
}

impl<P: Deref, C> Deref for Mapped<'_, P, C> {
    type Target = P::Target;
    #[inline(always)]
    fn deref(&self) -> &P::Target {
        &self.page
    }
}

impl<P: DerefMut, C> DerefMut for Mapped<'_, P, C> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut P::Target {
        &mut self.page
    }
}

impl<P: Deref, C: fmt::Debug> fmt::Debug for Mapped<'_, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mapped").field(&self.cx).finish()
    }
}

// Pages by their address -----------------------------------------------------------------------------------------------

/// Physically contiguous pages, a power of two of them, known by their address: wraps
/// `__get_free_pages()` and `free_pages()`.
///
/// It is a slice of its bytes. It becomes [`Pages`], and is made of them, by `From`.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn table(task: &Task) -> Result<PageMem> {
///     // get_zeroed_page(GFP_KERNEL)
///     let mut table = PageMem::zeroed(task, Order::<0>)?;
///     table[7] = 1;
///     Ok(table)
/// }
/// ```
///
/// # Invariants
///
/// `memory` is the address of `1 << order` pages that were allocated together and that this owns.
/// They are compound if `K` says so, and their bytes are initialised if `T` says so.
pub struct PageMem<O: PageOrder = Order<0>, T: Contents = u8, K: Kind = Low> {
    memory: NonNull<T>,
    order: O,
    _memory: PhantomData<(T, K)>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<O: PageOrder, T: Contents, K: Kind> Send for PageMem<O, T, K> {}
// SAFETY: Shared pages give no more than `&[T]`.
unsafe impl<O: PageOrder, T: Contents, K: Kind> Sync for PageMem<O, T, K> {}

const _: () = assert!(size_of::<PageMem<Order<3>>>() == size_of::<usize>());

impl<O: PageOrder> PageMem<O> {
    /// New pages, wraps `__get_free_pages()`.
    ///
    /// # Errors
    ///
    /// As [`Pages::new_uninit`]; flags that allow high memory do not compile.
    #[inline]
    pub fn new_uninit<G>(grant: G, order: O) -> Result<NewPageMem<O, G>, Failed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
        KindOf<G>: Addressable,
    {
        const { check::<O, G::Flags>() };
        Self::checked(grant, order)
    }

    /// As [`PageMem::new_uninit`], of what was checked.
    #[inline(always)]
    fn checked<G>(grant: G, order: O) -> Result<NewPageMem<O, G>, Failed<G::Flags>>
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
            unsafe { raw::get_free_pages(G::Flags::BITS, order.order()) as *mut _ }
        };
        let memory = NonNull::new(memory).ok_or_else(G::Flags::failed)?;
        // INVARIANT: New pages, of the memory that the flags give; and a `MaybeUninit` is always
        // initialised.
        Ok(PageMem {
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
    /// As [`PageMem::new_uninit`].
    #[inline]
    pub fn zeroed<G>(grant: G, order: O) -> Result<PageMem<O, u8, KindOf<G>>, Failed<G::Flags>>
    where
        G: Grant<Flags: ForPages>,
        KindOf<G>: Addressable,
    {
        const { check::<O, G::Flags>() };
        match Self::checked(grant.zeroed(), order) {
            // SAFETY: The memory is zero.
            Ok(pages) => Ok(unsafe { pages.assume_init() }),
            Err(Failed(failure)) => Err(Failed(failure)),
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

impl<O: PageOrder, T: Contents, K: Kind> PageMem<O, T, K> {
    /// The order.
    #[inline(always)]
    pub fn order(&self) -> O {
        self.order
    }

    /// The address, for C or [`PageMem::from_raw`], which must free the pages.
    #[inline(always)]
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).memory.as_ptr()
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

impl<O: PageOrder, T: Contents, K: Kind> Drop for PageMem<O, T, K> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant these are all the pages of an allocation, which were ours.
        unsafe { bindings::free_pages(self.memory.as_ptr() as usize, self.order.order()) };
    }
}

impl<O: PageOrder, T: Contents, K: Kind> Deref for PageMem<O, T, K> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: By the invariant there are so many bytes, which are `T`s.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.order.size()) }
    }
}

impl<O: PageOrder, T: Contents, K: Kind> DerefMut for PageMem<O, T, K> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: By the invariant there are so many bytes, which are `T`s, borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.memory.as_ptr(), self.order.size()) }
    }
}

impl<O: PageOrder, T: Contents, K: Kind> fmt::Debug for PageMem<O, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageMem")
            .field("order", &self.order)
            .finish()
    }
}

impl<O: PageOrder, T: Contents, K: Addressable> From<Pages<O, T, K>> for PageMem<O, T, K> {
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

impl<O: PageOrder, T: Contents, K: Addressable> From<PageMem<O, T, K>> for Pages<O, T, K> {
    /// The same pages by their `struct page`, wraps `virt_to_page()`.
    #[inline]
    fn from(pages: PageMem<O, T, K>) -> Self {
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
/// fn frame(task: &Task) -> Result<ExactPages> {
///     Ok(ExactPages::zeroed(task, 640 * 480 * 4)?)
/// }
/// ```
///
/// # Invariants
///
/// `memory` is the address of single pages that follow one another, as many as its length, above 0,
/// takes, which this owns. Its bytes are initialised if `T` says so.
pub struct ExactPages<T: Contents = u8> {
    memory: NonNull<[T]>,
}

// SAFETY: The pages are owned, and any thread may free them.
unsafe impl<T: Contents> Send for ExactPages<T> {}
// SAFETY: Shared pages give no more than `&[T]`.
unsafe impl<T: Contents> Sync for ExactPages<T> {}

impl ExactPages {
    /// New pages for `size` bytes, wraps `alloc_pages_exact()`.
    ///
    /// # Errors
    ///
    /// [`Failed`] where there is no memory, and for 0 bytes or more than [`MAX_SIZE`].
    #[inline]
    pub fn new_uninit<G>(
        grant: G,
        size: usize,
    ) -> Result<ExactPages<MaybeUninit<u8>>, Failed<G::Flags>>
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
            unsafe { raw::alloc_pages_exact(size, G::Flags::BITS) }
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
    pub fn zeroed<G>(grant: G, size: usize) -> Result<Self, Failed<G::Flags>>
    where
        G: Grant<Flags: ForPagesExact>,
    {
        match ExactPages::new_uninit(grant.zeroed(), size) {
            // SAFETY: The memory is zero.
            Ok(pages) => Ok(unsafe { pages.assume_init() }),
            Err(Failed(failure)) => Err(Failed(failure)),
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

impl<T: Contents> ExactPages<T> {
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

impl<T: Contents> Drop for ExactPages<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant these are the single pages of that size, which were ours.
        unsafe { bindings::free_pages_exact(self.memory.as_ptr().cast(), self.memory.len()) };
    }
}

impl<T: Contents> Deref for ExactPages<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: By the invariant.
        unsafe { self.memory.as_ref() }
    }
}

impl<T: Contents> DerefMut for ExactPages<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: By the invariant, and the pages are borrowed exclusively.
        unsafe { self.memory.as_mut() }
    }
}

impl<T: Contents> fmt::Debug for ExactPages<T> {
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
    [O: PageOrder, K: Kind] PageMem<O, MaybeUninit<u8>, K> => PageMem<O, u8, K>,
    |this: Self| PageMem {
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

// Many single pages ----------------------------------------------------------------------------------------------------

/// Fills the places of `pages` that are `None` with new single pages, wraps `alloc_pages_bulk()`.
///
/// Returns how many places from the first on hold a page now, which is the kernel's count and may
/// be less than there are: the kernel gives what it has without much trouble, and asked again may
/// give more. 0 is a failure. Each page is owned by its place.
///
/// ```
/// use kalloc::{page::alloc_bulk, prelude::*};
///
/// /// Eight pages or none.
/// fn eight(task: &Task) -> Result<[Option<Pages<Order<0>, core::mem::MaybeUninit<u8>>>; 8]> {
///     let mut pages = [const { None }; 8];
///     let mut have = 0;
///     while have < pages.len() {
///         match alloc_bulk(task, &mut pages) {
///             more if more > have => have = more,
///             _ => return Err(ENOMEM),
///         }
///     }
///     Ok(pages)
/// }
/// ```
#[inline]
pub fn alloc_bulk<G>(grant: G, pages: &mut [Option<NewPages<Order<0>, G>>]) -> usize
where
    G: Grant<Flags: ForPagesBulk>,
{
    // The kernel counts in an int.
    let len = pages.len().min(i32::MAX as usize);
    // SAFETY: The flags are legal in this context, which is what the grant says, and `nid` is
    // NUMA_NO_NODE or that of a node that is or was online. An `Option<Pages>` is a pointer to a
    // `struct page`, NULL for `None` (asserted below), of which there are `len`. What the kernel
    // writes there are new single pages of the memory that the flags give.
    unsafe {
        kalloc_helper_alloc_pages_bulk_node(
            G::Flags::BITS,
            grant.nid(),
            len,
            pages.as_mut_ptr().cast(),
        )
    }
}

const _: () = {
    type Place = Option<Pages<Order<0>, MaybeUninit<u8>>>;
    assert!(size_of::<Place>() == size_of::<*mut bindings::page>());
    // SAFETY: Every pattern is a valid pointer.
    let none = unsafe { core::mem::transmute::<Place, *mut bindings::page>(None) };
    assert!(none.is_null());
};

// The kernel crate's page ----------------------------------------------------------------------------------------------

impl<T: Contents, K: Kind> From<Pages<Order<0>, T, K>> for Page {
    /// The same page, without a copy.
    #[inline]
    fn from(pages: Pages<Order<0>, T, K>) -> Self {
        let page = ManuallyDrop::new(pages).page;
        // SAFETY: The page is ours and stays.
        let page = unsafe { BorrowedPage::from_raw(page) };
        // SAFETY: The borrow does not drop it, and whose page it is goes from us to the new value.
        unsafe { ptr::read(&*page) }
    }
}

impl TryFrom<Page> for Pages<Order<0>, MaybeUninit<u8>, High> {
    type Error = Page;

    /// The same page, without a copy. What it holds and from which zone it is, nobody knows:
    /// [`Pages::into_low`] asks for the zone.
    ///
    /// # Errors
    ///
    /// The page, where somebody else has a reference to it, as user space has that maps it: its
    /// bytes could change at any time.
    #[inline]
    fn try_from(page: Page) -> Result<Self, Page> {
        // SAFETY: The page is valid.
        if unsafe { kalloc_helper_page_count(page.as_ptr()) } != 1 {
            return Err(page);
        }
        // SAFETY: It is a single page of the page allocator, which was the other's alone.
        Ok(unsafe { Pages::from_raw(ManuallyDrop::new(page).as_ptr(), Order) })
    }
}
