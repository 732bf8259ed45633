// SPDX-License-Identifier: GPL-2.0

//! [`SgTable`]: a buffer of the driver in pages that need not follow one another, mapped for the
//! device.

use super::{
    buffer::Elements,
    keep::Backing,
    Attrs,
    DeviceOwned,
    Direction,
    DmaAddress,
    DmaBuffer,
    DmaDevice,
    ForMapping,
    Mapped,
    Mapping,
    NoAttrs,
    Unmap, //
};
use crate::{
    contexts::grant::Grant,
    flags::{
        gfp::Gfp,
        matrix::ForKrealloc,
        page_kind::Low, //
    },
    ground::sealed::Sealed,
    memory::{
        boxed::{
            KBox,
            KVBox,
            VBox, //
        },
        page::{
            FreePages,
            PageOrder, //
        },
        vec::KVec, //
    },
};
use core::{
    cell::UnsafeCell,
    fmt,
    mem::ManuallyDrop,
    ptr, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        dma_data_direction,
        page, //
    },
    error::{
        code::EINVAL,
        to_result,
        Error,
        Result, //
    },
    ffi::{
        c_uint,
        c_ulong, //
    },
    page::PAGE_SIZE,
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    ptr::KnownSize,
    scatterlist::{
        SGTable,
        SGTableIter, //
    },
};

/// Memory that can be mapped for a device page by page: [`VBox`] and [`KVBox`] of plain bytes, and
/// [`KBox<[FreePages]>`](FreePages), blocks of pages from anywhere.
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
            `KBox<[FreePages]>`; a vector is one after `into_boxed_slice()`, and memory that is contiguous, such as `KBox` and \
            `Pages`, is mapped by `Streaming`; what is on the stack or borrowed is not the driver's to give"
)]
pub unsafe trait SgBuffer: Sealed + Sized {
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

    /// How it is freed, which it is not.
    #[doc(hidden)]
    fn into_backing(self) -> Backing;
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
            fn into_backing(self) -> Backing {
                Backing::kvmalloc(self.into_raw().cast())
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

impl<O: PageOrder> Sealed for KBox<[FreePages<O, u8, Low>]> {}
// SAFETY: It owns blocks of pages. What `data` gives changes bytes in them, and not which they are.
unsafe impl<O: PageOrder> SgBuffer for KBox<[FreePages<O, u8, Low>]> {
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

    fn into_backing(self) -> Backing {
        let blocks = self.into_raw();
        let (first, len) = (blocks.cast::<FreePages<O, u8, Low>>(), blocks.len());
        let words = first.cast::<usize>();
        for index in 0..len {
            // SAFETY: It is one of the box's blocks, which is not used in its place again.
            let block = unsafe { first.add(index).read() };
            let order = block.order().order() as usize;
            // An address of pages has room for their order.
            let word = block.into_raw().addr() | order;
            // SAFETY: A block is no smaller than a word, so this is within the box, and no block that
            // is still to be read is there.
            unsafe { words.add(index).write(word) };
        }
        Backing::blocks(words, len)
    }
}

/// The bytes of blocks of pages that a device may have: what the CPU sees of a
/// [`KBox<[FreePages]>`](FreePages) that is mapped. The blocks themselves stay.
#[repr(transparent)]
pub struct PageList<O: PageOrder>([FreePages<O, u8, Low>]);

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
    fn new<G, A>(grant: G, dma: DmaDevice<'_, A>, buffer: &impl SgBuffer) -> Result<Self>
    where
        G: Grant<Flags: ForKrealloc>,
    {
        let size = buffer.size();
        // SAFETY: By the invariant of `DmaDevice` the device is valid.
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
/// device in the direction `D`, in the state `O`.
///
/// It is to [`SgBuffer`] what [`Streaming`](super::Streaming) is to contiguous memory, with the same
/// steps, which are in the table of [`DmaBuffer`]. The device is told the segments. Behind an IOMMU
/// they may be fewer than the pages.
///
/// ```
/// use kalloc::dma::{DeviceOwned, DmaDevice, DmaAddress, FromDevice, Quiesce, SgTable};
/// use kalloc::prelude::*;
///
/// type Frame<'bound> = SgTable<'bound, VBox<[u8]>, FromDevice, DeviceOwned>;
///
/// fn start<'bound>(
///     task: &TaskCx,
///     dma: DmaDevice<'bound>,
///     mut describe: impl FnMut(DmaAddress, usize) -> Result,
/// ) -> Result<Frame<'bound>> {
///     let frame = VBox::zeroed_slice(task, 640 * 480 * 4)?;
///     let frame = SgTable::map(task, dma, frame)?;
///     let (frame, ()) = frame.give(|mut segments| {
///         segments.try_for_each(|(address, len)| describe(address, len))
///     })?;
///     Ok(frame)
/// }
///
/// fn finish(frame: Frame<'_>, quiesce: &mut impl Quiesce) -> Result<VBox<[u8]>> {
///     Ok(frame.unmap(quiesce)?)
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`SgTable::map`] | `sg_alloc_table_from_pages_segment()` and `dma_map_sgtable()` |
/// | [`SgTable::segments`] | `for_each_sgtable_dma_sg()`, `sg_dma_address()`, `sg_dma_len()` |
/// | [`sync_for_cpu`](DmaBuffer::sync_for_cpu) | `dma_sync_sgtable_for_cpu()` |
/// | [`sync_for_device`](DmaBuffer::sync_for_device) | `dma_sync_sgtable_for_device()` |
/// | [`unmap`](DmaBuffer::unmap) of the device's | `dma_unmap_sgtable()` and `sg_free_table()` |
/// | [`unmap`](DmaBuffer::unmap) of the others | the same with `DMA_ATTR_SKIP_CPU_SYNC` |
pub type SgTable<'bound, B, D, O = Mapped, A = NoAttrs> = DmaBuffer<'bound, Segmented<B>, D, O, A>;

/// Memory of the driver as a list of segments: what [`SgTable`] maps.
///
/// # Invariants
///
/// The list is of the memory of the buffer, and `dma_map_sgtable()` mapped it.
pub struct Segmented<B> {
    // Freed first.
    table: Table,
    buffer: B,
}

impl<B> Segmented<B> {
    #[inline(always)]
    fn table(&self) -> &SGTable {
        // SAFETY: By the invariant it is a list, which stays and does not change while this is
        // borrowed.
        unsafe { SGTable::from_raw(self.table.as_raw()) }
    }
}

// SAFETY: It owns the list, and may free it on another thread.
unsafe impl<B: Send> Send for Segmented<B> {}
// SAFETY: A shared one gives what is in the list, which does not change, and `&B`.
unsafe impl<B: Sync> Sync for Segmented<B> {}

impl<B> Sealed for Segmented<B> {}
// SAFETY: By its invariant, and that of `SgBuffer`.
unsafe impl<B: SgBuffer> Mapping for Segmented<B> {
    type Data = B::Data;
    type Addresses<'a>
        = Segments<'a>
    where
        Self: 'a;
    const STAYS: Option<&'static str> = Some("a scatter-gather table");

    #[inline(always)]
    fn addresses(&self) -> Segments<'_> {
        Segments(self.table().iter())
    }

    #[inline]
    fn address(&self) -> DmaAddress {
        self.addresses().next().map_or(0, |(address, _)| address)
    }

    #[inline(always)]
    fn size(&self) -> usize {
        self.buffer.size()
    }

    #[inline(always)]
    fn data(&self) -> *mut B::Data {
        self.buffer.data()
    }

    #[inline(always)]
    unsafe fn sync_for_cpu<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: By the invariant the list is mapped; device and direction are those of then by the
        // contract of this function.
        unsafe { kalloc_helper_dma_sync_sgtable_for_cpu(dma.as_raw(), self.table.as_raw(), D::RAW) }
    }

    #[inline(always)]
    unsafe fn sync_for_device<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: By the invariant the list is mapped; device and direction are those of then by the
        // contract of this function.
        unsafe {
            kalloc_helper_dma_sync_sgtable_for_device(dma.as_raw(), self.table.as_raw(), D::RAW)
        }
    }

    /// Wraps `dma_unmap_sgtable()`.
    #[inline(always)]
    unsafe fn unmap(&mut self, dma: DmaDevice<'_>, dir: dma_data_direction, attrs: c_ulong) {
        // SAFETY: By the invariant the list is mapped; device, direction and attributes are those of
        // then by the contract of this function, as is that it is done once.
        unsafe { bindings::dma_unmap_sgtable(dma.as_raw(), self.table.as_raw(), dir, attrs) }
    }

    fn into_kept(self, kept: &mut kalloc_dma_kept) {
        let table = ManuallyDrop::new(self.table);
        kept.mapping = kalloc_dma_mapping_KALLOC_DMA_TABLE;
        // SAFETY: The list is owned, and is used in its new place only. C moves such a struct too.
        kept.table = unsafe { ptr::read(table.as_raw()) };
        self.buffer.into_backing().write(kept);
    }
}

impl<B: SgBuffer> Unmap for Segmented<B> {
    type Buffer = B;

    #[inline(always)]
    fn into_buffer(self) -> B {
        self.buffer
    }
}

impl<'bound, B: SgBuffer, D: Direction, A: ForMapping> SgTable<'bound, B, D, Mapped, A> {
    /// Maps `buffer`, wraps `dma_map_sgtable()`. The device is told by [`give`](DmaBuffer::give);
    /// dropped before, the buffer is unmapped and freed. No segment is larger than the device takes
    /// (`dma_get_max_seg_size()`) and than can be mapped ([`DmaDevice::max_mapping_size`]).
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
    pub fn map<G>(grant: G, dma: DmaDevice<'bound, A>, buffer: B) -> Result<Self, SgMapFailed<B>>
    where
        G: Grant<Flags: ForKrealloc>,
    {
        const { assert!(!G::ON_NODE, "the list comes from any node") };
        let table = match Table::new(grant, dma, &buffer) {
            Ok(table) => table,
            Err(error) => return Err(SgMapFailed { error, buffer }),
        };
        // SAFETY: The list is of memory that is owned. The device is bound and its mask is set.
        let mapped = to_result(unsafe {
            bindings::dma_map_sgtable(dma.as_raw(), table.as_raw(), D::RAW, A::BITS)
        });
        match mapped {
            // INVARIANT: It was mapped.
            // SAFETY: For this device, direction and attributes; mapping synchronised it for the
            // device, which nobody has told.
            Ok(()) => Ok(unsafe { Self::new_in(dma, Segmented { table, buffer }) }),
            Err(error) => Err(SgMapFailed { error, buffer }),
        }
    }
}

impl<B: SgBuffer, D: Direction, A: Attrs> SgTable<'_, B, D, DeviceOwned, A> {
    /// The kernel crate's view of the list, for its functions.
    #[inline(always)]
    pub fn table(&self) -> &SGTable {
        self.memory().table()
    }

    /// The address for the device and the bytes of each segment, wraps `for_each_sgtable_dma_sg()`.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        self.memory().addresses()
    }
}
