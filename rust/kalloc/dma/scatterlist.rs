// SPDX-License-Identifier: GPL-2.0

//! [`SgTable`]: a buffer of the driver in pages that need not follow one another, mapped for the
//! device.

use super::{
    state::cpu_access, streaming::leaked, Attrs, Busy, Cpu, Device, Direction, Dma, DmaAddress,
    Engine, ForMapping, NoAttrs, Owner, Range,
};
use crate::{
    boxed::{KBox, KVBox, VBox},
    context::private::Sealed,
    dead,
    gfp::{ForKrealloc, Gfp, Grant},
    page::{Low, PageMem, PageOrder},
    vec::KVec,
};
use core::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{self, page, DMA_ATTR_SKIP_CPU_SYNC},
    error::{code::EINVAL, to_result, Error, Result},
    ffi::{c_uint, c_ulong},
    page::PAGE_SIZE,
    prelude::{FromBytes, IntoBytes},
    ptr::KnownSize,
    scatterlist::{SGTable, SGTableIter},
};

/// Memory that can be mapped for a device page by page: [`VBox`] and [`KVBox`] of plain bytes, and
/// [`KBox<[PageMem]>`](PageMem), blocks of pages from anywhere.
///
/// A vector becomes such a box by [`into_boxed_slice`](crate::vec::Vec::into_boxed_slice). What is
/// contiguous for the device too is [`Buffer`](super::Buffer).
///
/// # Safety
///
/// The memory is owned, in pages that are nobody else's or of kmalloc, plain bytes, and stays where
/// it is while the buffer is moved. `pages` gives the pages of the `size` bytes from `offset` in the
/// first one on, in their order, and `data` is these bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped for a device page by page",
    label = "not memory that a device can be given",
    note = "a device can be given what is owned: `VBox` and `KVBox` of plain bytes (`#[derive(FromBytes, IntoBytes)]`), and \
            `KBox<[PageMem]>`; a vector is one after `into_boxed_slice()`, and memory that is contiguous, such as `KBox` and \
            `Pages`, is mapped by `Streaming`; what is on the stack or borrowed is not the driver's to give"
)]
pub unsafe trait SgBuffer: Sealed {
    /// What is in it.
    type Data: ?Sized;

    /// The memory, without a reference to it: the device may be writing it.
    #[doc(hidden)]
    fn data(&self) -> *mut Self::Data;

    /// The bytes.
    #[doc(hidden)]
    fn size(&self) -> usize;

    /// Where in the first page they begin.
    #[doc(hidden)]
    fn offset(&self) -> usize;

    /// The pages.
    #[doc(hidden)]
    fn pages(&self) -> impl Iterator<Item = *mut page>;
}

/// The pages of the `size` bytes at an address.
///
/// # Safety
///
/// They are memory of kmalloc or vmalloc, and there as long as the iterator is used.
unsafe fn pages_at(memory: *const u8, size: usize) -> impl Iterator<Item = *mut page> {
    let offset = memory.addr() % PAGE_SIZE;
    let first = memory.wrapping_sub(offset);
    (0..(offset + size).div_ceil(PAGE_SIZE)).map(move |index| {
        let address = first.wrapping_add(index * PAGE_SIZE).cast();
        // SAFETY: It has no preconditions.
        if unsafe { bindings::is_vmalloc_addr(address) } {
            // SAFETY: By the contract of this function it is an address in memory of vmalloc.
            unsafe { bindings::vmalloc_to_page(address) }
        } else {
            // SAFETY: By the contract of this function it is an address in memory of kmalloc.
            unsafe { kalloc_helper_virt_to_page(address) }
        }
    })
}

macro_rules! boxes {
    ($([$($generics:tt)*] $name:ty, $data:ty;)*) => {$(
        impl<$($generics)*> Sealed for $name {}
        // SAFETY: It owns memory of kmalloc or vmalloc, and does not keep it within itself.
        unsafe impl<$($generics)*> SgBuffer for $name {
            type Data = $data;
            #[inline(always)]
            fn data(&self) -> *mut $data {
                self.as_raw()
            }
            #[inline(always)]
            fn size(&self) -> usize {
                <$data>::size(self.as_raw())
            }
            #[inline(always)]
            fn offset(&self) -> usize {
                self.as_raw().addr() % PAGE_SIZE
            }
            fn pages(&self) -> impl Iterator<Item = *mut page> {
                // SAFETY: The box owns that memory, and is borrowed.
                unsafe { pages_at(self.as_raw().cast(), self.size()) }
            }
        }
    )*};
}

boxes! {
    [T: FromBytes + IntoBytes] VBox<T>, T;
    [T: FromBytes + IntoBytes] VBox<[T]>, [T];
    [T: FromBytes + IntoBytes] KVBox<T>, T;
    [T: FromBytes + IntoBytes] KVBox<[T]>, [T];
}

impl<O: PageOrder> Sealed for KBox<[PageMem<O, u8, Low>]> {}
// SAFETY: It owns blocks of pages. What `data` gives changes bytes in them, and not which they are.
unsafe impl<O: PageOrder> SgBuffer for KBox<[PageMem<O, u8, Low>]> {
    type Data = PageList<O>;

    #[inline(always)]
    fn data(&self) -> *mut PageList<O> {
        // CAST: `PageList` is transparent.
        self.as_raw() as *mut PageList<O>
    }

    fn size(&self) -> usize {
        self.iter().map(|block| block.order().size()).sum()
    }

    #[inline(always)]
    fn offset(&self) -> usize {
        0
    }

    fn pages(&self) -> impl Iterator<Item = *mut page> {
        self.iter().flat_map(|block| {
            let first = block.as_page();
            (0..block.order().nr_pages()).map(move |index| first.wrapping_add(index))
        })
    }
}

/// The bytes of blocks of pages that a device may have: what the CPU sees of a
/// [`KBox<[PageMem]>`](PageMem) that is mapped. The blocks themselves stay.
#[repr(transparent)]
pub struct PageList<O: PageOrder>([PageMem<O, u8, Low>]);

impl<O: PageOrder> PageList<O> {
    /// How many blocks there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of a block.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.0.get(index).map(|block| &**block)
    }

    /// The bytes of a block, to change.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        self.0.get_mut(index).map(|block| &mut **block)
    }

    /// The bytes of each block.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|block| &**block)
    }
}

impl<O: PageOrder> fmt::Debug for PageList<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<O: PageOrder> Elements for PageList<O> {
    type Element = u8;

    fn put(&mut self, mut at: usize, mut values: &[u8]) -> bool {
        let size: usize = self.iter().map(<[u8]>::len).sum();
        if at > size || values.len() > size - at {
            return false;
        }
        for block in &mut self.0 {
            if at >= block.len() {
                at -= block.len();
                continue;
            }
            let (here, rest) = values.split_at(values.len().min(block.len() - at));
            block[at..at + here.len()].copy_from_slice(here);
            (at, values) = (0, rest);
        }
        true
    }

    fn put_everywhere(&mut self, value: u8) {
        for block in &mut self.0 {
            block.fill(value);
        }
    }
}

/// A buffer that was not mapped, given back. Turns into the error.
pub struct SgMapFailed<B> {
    /// `ENOMEM` or what [`SgTable::map`] names.
    pub error: Error,
    /// The buffer.
    pub buffer: B,
}

impl<B> fmt::Debug for SgMapFailed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SgMapFailed").field(&self.error).finish()
    }
}

impl<B> From<SgMapFailed<B>> for Error {
    fn from(failed: SgMapFailed<B>) -> Self {
        failed.error
    }
}

/// The address for the device and the bytes of each segment, by [`SgTable::segments`].
pub struct Segments<'a>(SGTableIter<'a>);

impl Iterator for Segments<'_> {
    type Item = (DmaAddress, usize);

    #[inline]
    fn next(&mut self) -> Option<(DmaAddress, usize)> {
        let entry = self.0.next()?;
        // CAST: In C it is an `unsigned int`.
        Some((entry.dma_address(), entry.dma_len() as usize))
    }
}

impl fmt::Debug for Segments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Segments")
    }
}

/// A list of segments.
///
/// # Invariants
///
/// It is what `sg_alloc_table_from_pages_segment()` made, and owns the memory of the list.
struct Table(UnsafeCell<bindings::sg_table>);

impl Table {
    /// The list for a buffer, of segments that the device takes, wraps
    /// `sg_alloc_table_from_pages_segment()`.
    fn new<G, A>(grant: G, dma: Dma<'_, A>, buffer: &impl SgBuffer) -> Result<Self>
    where
        G: Grant<Flags: ForKrealloc>,
    {
        let size = buffer.size();
        // SAFETY: By the invariant of `Dma` the device is valid.
        let max_segment = unsafe { kalloc_helper_dma_get_max_seg_size(dma.as_raw()) } as usize;
        let max_segment = max_segment.min(dma.max_mapping_size());
        if size == 0 || max_segment < PAGE_SIZE {
            return Err(EINVAL);
        }
        let mut pages = KVec::with_capacity(grant, (buffer.offset() + size).div_ceil(PAGE_SIZE))?;
        for page in buffer.pages() {
            pages.push_within_capacity(page).map_err(|_| EINVAL)?;
        }
        let table = UnsafeCell::new(pin_init::zeroed());
        // SAFETY: These are the pages of so many bytes, at least one, a segment has a page or more,
        // and the flags are legal in this context, which is what the grant says.
        to_result(unsafe {
            bindings::sg_alloc_table_from_pages_segment(
                table.get(),
                pages.as_mut_ptr(),
                c_uint::try_from(pages.len())?,
                buffer.offset() as c_uint,
                size as c_ulong,
                // It is at most what `dma_get_max_seg_size()` gave.
                max_segment as c_uint,
                G::Flags::BITS,
            )
        })?;
        // INVARIANT: It was just made.
        Ok(Self(table))
    }

    #[inline(always)]
    fn as_raw(&self) -> *mut bindings::sg_table {
        self.0.get()
    }
}

impl Drop for Table {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant, and nobody uses it from here on.
        unsafe { bindings::sg_free_table(self.as_raw()) }
    }
}

/// The buffer `B` in pages that need not follow one another, mapped as a list of segments for a
/// device in the direction `D`, which the CPU or the device has: `O`.
///
/// It is to [`SgBuffer`] what [`Streaming`](super::Streaming) is to contiguous memory: mapping gives
/// it to the device, the CPU has no access then, and gets it back from an [`Engine`]. The device
/// gets the [`segments`](SgTable::segments). Behind an IOMMU they may be fewer than the pages.
///
/// ```
/// use kalloc::dma::{Device, Dma, DmaAddress, Engine, FromDevice, SgTable};
/// use kalloc::prelude::*;
///
/// type Frame<'bound> = SgTable<'bound, VBox<[u8]>, FromDevice, Device>;
///
/// fn start<'bound>(
///     task: &Task,
///     dma: Dma<'bound>,
///     mut describe: impl FnMut(DmaAddress, usize),
/// ) -> Result<Frame<'bound>> {
///     let frame = VBox::zeroed_slice(task, 640 * 480 * 4)?;
///     let frame = SgTable::map(task, dma, frame)?;
///     for (address, len) in frame.segments() {
///         describe(address, len);
///     }
///     Ok(frame)
/// }
///
/// fn finish(frame: Frame<'_>, engine: &mut impl Engine) -> Result<VBox<[u8]>> {
///     Ok(frame.unmap(engine)?)
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`SgTable::map`] | `sg_alloc_table_from_pages_segment()` and `dma_map_sgtable()` |
/// | [`SgTable::segments`] | `for_each_sgtable_dma_sg()`, `sg_dma_address()`, `sg_dma_len()` |
/// | [`SgTable::sync_for_cpu`] | `dma_sync_sgtable_for_cpu()` |
/// | [`SgTable::sync_for_device`] | `dma_sync_sgtable_for_device()` |
/// | [`SgTable::unmap`] of the device's | `dma_unmap_sgtable()` and `sg_free_table()` |
/// | [`SgTable::unmap`] of the CPU's | the same with `DMA_ATTR_SKIP_CPU_SYNC`: what the CPU wrote stays |
///
/// # Contexts
///
/// Mapped in every context in which the allocators work, with the flags of it for the list; dropped
/// where the buffer itself may be. Dropped while the CPU has it, it is unmapped and freed. Dropped
/// while the device has it, neither can be done: it stays mapped and allocated for ever, and the log
/// says so. So does `mem::forget`, without a word.
///
/// # Invariants
///
/// The list is of the memory of the buffer, and mapped for the device in this direction with the
/// attributes `A`. Where `O` is [`Cpu`] the memory is synchronised for it and the device is through
/// with it.
pub struct SgTable<'bound, B, D, O = Device, A = NoAttrs>
where
    B: SgBuffer,
    D: Direction,
    O: Owner,
    A: Attrs,
{
    dma: Dma<'bound, A>,
    // The list, which is freed first, and the buffer.
    memory: ManuallyDrop<(Table, B)>,
    _state: PhantomData<(D, O)>,
}

// SAFETY: It owns the buffer and the list, and may be unmapped on another thread.
unsafe impl<B: SgBuffer + Send, D: Direction, O: Owner, A: Attrs> Send for SgTable<'_, B, D, O, A> {}
// SAFETY: A shared one gives no more than the segments, which do not change, and `&B::Data`, and
// that only where the CPU has it.
unsafe impl<B: SgBuffer + Sync, D: Direction, O: Owner, A: Attrs> Sync for SgTable<'_, B, D, O, A> {}

impl<'bound, B: SgBuffer, D: Direction, A: ForMapping> SgTable<'bound, B, D, Device, A> {
    /// Maps `buffer` and gives it to the device, wraps `dma_map_sgtable()`. No segment is larger
    /// than the device takes (`dma_get_max_seg_size()`) and than can be mapped
    /// ([`Dma::max_mapping_size`]).
    ///
    /// # Errors
    ///
    /// [`SgMapFailed`] with the buffer: `ENOMEM` where there is no memory for the list, or no room in
    /// the IOMMU; `EIO` where the device does not reach the buffer, or there are no bounce buffers;
    /// `EINVAL` where it is empty. The kernel warns as for [`Streaming::map`], whatever the attributes.
    /// A grant [`on`](Grant::on) a node does not compile.
    ///
    /// [`Streaming::map`]: super::Streaming::map
    #[inline]
    pub fn map<G>(grant: G, dma: Dma<'bound, A>, buffer: B) -> Result<Self, SgMapFailed<B>>
    where
        G: Grant<Flags: ForKrealloc>,
    {
        const { assert!(!G::ON_NODE, "the list comes from any node") };
        let table = match Table::new(grant, dma, &buffer) {
            Ok(table) => table,
            Err(error) => return Err(SgMapFailed { error, buffer }),
        };
        // SAFETY: The list is of memory that is nobody else's. The device is bound and its mask is
        // set.
        let mapped = to_result(unsafe {
            bindings::dma_map_sgtable(dma.as_raw(), table.as_raw(), D::RAW, A::BITS)
        });
        match mapped {
            // INVARIANT: It is mapped, and the device has it.
            Ok(()) => Ok(Self {
                dma,
                memory: ManuallyDrop::new((table, buffer)),
                _state: PhantomData,
            }),
            Err(error) => Err(SgMapFailed { error, buffer }),
        }
    }
}

impl<'bound, B: SgBuffer, D: Direction, O: Owner, A: Attrs> SgTable<'bound, B, D, O, A> {
    /// The kernel crate's view of the list, for its functions.
    #[inline(always)]
    pub fn table(&self) -> &SGTable {
        // SAFETY: By the invariant it is a list, which stays and does not change while this is
        // borrowed.
        unsafe { SGTable::from_raw(self.as_raw()) }
    }

    /// The address for the device and the bytes of each segment, wraps `for_each_sgtable_dma_sg()`.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        Segments(self.table().iter())
    }

    /// The bytes of all segments.
    #[inline]
    pub fn size(&self) -> usize {
        self.memory.1.size()
    }

    #[inline(always)]
    fn as_raw(&self) -> *mut bindings::sg_table {
        self.memory.0.as_raw()
    }

    /// The same mapping, whoever has it.
    #[inline(always)]
    fn into_state<P: Owner>(self) -> SgTable<'bound, B, D, P, A> {
        let this = ManuallyDrop::new(self);
        SgTable {
            dma: this.dma,
            // SAFETY: It is not used in its old place again.
            memory: unsafe { ptr::read(&this.memory) },
            _state: PhantomData,
        }
    }

    fn range(&self) -> Range<'bound> {
        Range {
            dev: self.dma.device(),
            handle: self.segments().next().map_or(0, |(handle, _)| handle),
            size: self.size(),
        }
    }

    /// Wraps `dma_unmap_sgtable()`.
    ///
    /// # Safety
    ///
    /// The device is through with it, and it is not used again.
    #[inline(always)]
    unsafe fn unmap_raw(&mut self, attrs: c_ulong) {
        // SAFETY: By the invariant it is mapped, and by the contract of this function not used again.
        unsafe {
            bindings::dma_unmap_sgtable(self.dma.as_raw(), self.as_raw(), D::RAW, A::BITS | attrs)
        }
    }

    /// The buffer, which is not mapped any more.
    ///
    /// # Safety
    ///
    /// It is unmapped.
    #[inline(always)]
    unsafe fn into_buffer(self) -> B {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: It is not used in its old place again.
        unsafe { ManuallyDrop::take(&mut this.memory) }.1
    }
}

impl<'bound, B: SgBuffer, D: Direction, A: Attrs> SgTable<'bound, B, D, Device, A> {
    /// Gives the memory to the CPU, still mapped, wraps `dma_sync_sgtable_for_cpu()`.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the mapping where `engine` is not through with it. (As an error of another type
    /// it is dropped, and leaks: the device may write to it still.)
    #[inline]
    pub fn sync_for_cpu(
        self,
        engine: &mut impl Engine,
    ) -> Result<SgTable<'bound, B, D, Cpu, A>, Busy<Self>> {
        if !engine.is_quiet(self.range()) {
            return Err(Busy(self));
        }
        // SAFETY: By the invariant it is mapped, in this direction.
        unsafe { kalloc_helper_dma_sync_sgtable_for_cpu(self.dma.as_raw(), self.as_raw(), D::RAW) };
        // INVARIANT: The device is through, and the memory is synchronised.
        Ok(self.into_state())
    }

    /// Unmaps the memory for good, wraps `dma_unmap_sgtable()`. What the device wrote is in it.
    ///
    /// # Errors
    ///
    /// As [`SgTable::sync_for_cpu`].
    #[inline]
    pub fn unmap(mut self, engine: &mut impl Engine) -> Result<B, Busy<Self>> {
        if !engine.is_quiet(self.range()) {
            return Err(Busy(self));
        }
        // SAFETY: The device is through with it.
        unsafe { self.unmap_raw(0) };
        // SAFETY: It is unmapped.
        Ok(unsafe { self.into_buffer() })
    }
}

impl<'bound, B: SgBuffer, D: Direction, A: Attrs> SgTable<'bound, B, D, Cpu, A> {
    /// Gives the memory to the device again, wraps `dma_sync_sgtable_for_device()`.
    #[inline]
    pub fn sync_for_device(self) -> SgTable<'bound, B, D, Device, A> {
        // SAFETY: By the invariant it is mapped, in this direction.
        unsafe {
            kalloc_helper_dma_sync_sgtable_for_device(self.dma.as_raw(), self.as_raw(), D::RAW)
        };
        // INVARIANT: The device has it.
        self.into_state()
    }

    /// Unmaps the memory for good, wraps `dma_unmap_sg_attrs()` with `DMA_ATTR_SKIP_CPU_SYNC`: the
    /// CPU has had it, and what it wrote since is not to be overwritten.
    #[inline]
    pub fn unmap(mut self) -> B {
        // SAFETY: By the invariant the device is through with it.
        unsafe { self.unmap_raw(DMA_ATTR_SKIP_CPU_SYNC as c_ulong) };
        // SAFETY: It is unmapped.
        unsafe { self.into_buffer() }
    }

    #[inline(always)]
    fn data(&self) -> &B::Data {
        // SAFETY: The CPU has the memory, which is that of the buffer.
        unsafe { &*self.memory.1.data() }
    }

    #[inline(always)]
    fn data_mut(&mut self) -> &mut B::Data {
        // SAFETY: As for `data`, and this is borrowed exclusively.
        unsafe { &mut *self.memory.1.data() }
    }
}

cpu_access!([B: SgBuffer, A: Attrs] SgTable [B; A], B::Data);

impl<B: SgBuffer, D: Direction, O: Owner, A: Attrs> Drop for SgTable<'_, B, D, O, A> {
    #[inline]
    fn drop(&mut self) {
        if O::DEVICE {
            return leaked(self.range());
        }
        if dead::stays("a scatter-gather table") {
            return;
        }
        // SAFETY: By the invariant the device is through with it.
        unsafe { self.unmap_raw(DMA_ATTR_SKIP_CPU_SYNC as c_ulong) };
        // SAFETY: It is not used again.
        unsafe { ManuallyDrop::drop(&mut self.memory) };
    }
}

impl<B: SgBuffer, D: Direction, O: Owner, A: Attrs> fmt::Debug for SgTable<'_, B, D, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.range().fmt(f)
    }
}
