// SPDX-License-Identifier: GPL-2.0

//! [`SgTable`]: `dma_map_sgtable()`, a buffer of the driver in discontiguous pages mapped for the
//! device.

use super::{
    elements::Elements,
    keep::Backing,
    mapping::{
        Mapping,
        Unmap, //
    },
    Attrs,
    DeviceOwned,
    Direction,
    DmaAddress,
    DmaBuffer,
    DmaDevice,
    ForMapping,
    Mapped,
    NoAttrs, //
};
use crate::{
    contexts::grant::Grant,
    flags::{
        allocators::ForKrealloc,
        gfp::Gfp,
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
/// [`KBox<[FreePages]>`](FreePages), a list of blocks of pages.
///
/// [`into_boxed_slice`](crate::vec::Vec::into_boxed_slice) makes such a box of a vector. For
/// contiguous memory see [`Buffer`](super::Buffer).
///
/// # Safety
///
/// The memory is owned, plain bytes, in pages without other users or of kmalloc. It does not move
/// when the buffer moves. `pages` gives, in order, the pages of the `size` bytes that start at
/// `offset` in the first page. `data` points to these bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped for a device page by page",
    label = "this memory cannot be mapped",
    note = "only owned memory is mapped: `VBox` and `KVBox` of plain bytes (`#[derive(FromBytes, IntoBytes)]`), and \
            `KBox<[FreePages]>`; a vector is a box after `into_boxed_slice()`; contiguous memory, such as `KBox` and `Pages`, \
            is mapped by `Streaming`; memory on the stack and borrowed memory end before the mapping does"
)]
pub unsafe trait SgBuffer: Sealed + Sized {
    /// The contents.
    type Data: ?Sized;

    /// The memory. Makes no reference to it, since the device may be writing it.
    #[doc(hidden)]
    fn data(&self) -> *mut Self::Data;

    /// The size in bytes.
    #[doc(hidden)]
    fn size(&self) -> usize;

    /// The offset in the first page.
    #[doc(hidden)]
    fn offset(&self) -> usize;

    /// The pages.
    #[doc(hidden)]
    fn pages(&self) -> impl Iterator<Item = *mut page>;

    /// How to free the memory. Moves its ownership to the result.
    #[doc(hidden)]
    fn into_backing(self) -> Backing;
}

/// The pages of `size` bytes at an address.
///
/// # Safety
///
/// The memory is of kmalloc or vmalloc, and valid while the iterator is used.
unsafe fn pages_at(memory: *const u8, size: usize) -> impl Iterator<Item = *mut page> {
    let offset = memory.addr() % PAGE_SIZE;
    let first = memory.wrapping_sub(offset);
    (0..(offset + size).div_ceil(PAGE_SIZE)).map(move |index| {
        let address = first.wrapping_add(index * PAGE_SIZE).cast();
        // SAFETY: `is_vmalloc_addr()` accepts every address.
        if unsafe { bindings::is_vmalloc_addr(address) } {
            // SAFETY: `# Safety`: valid memory of kmalloc or vmalloc, and this address is
            // vmalloc's.
            unsafe { bindings::vmalloc_to_page(address) }
        } else {
            // SAFETY: `# Safety`: valid memory of kmalloc or vmalloc, and this address is not
            // vmalloc's.
            unsafe { kalloc_helper_virt_to_page(address) }
        }
    })
}

macro_rules! boxes {
    ($([$($generics:tt)*] $name:ty, $data:ty;)*) => {$(
        impl<$($generics)*> Sealed for $name {}
        // SAFETY: It owns memory of kmalloc or vmalloc, outside of the value itself.
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
                // SAFETY: The box owns the memory, and the iterator borrows the box.
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
// SAFETY: It owns blocks of pages. Writes through `data` change their bytes, not the list of
// blocks.
unsafe impl<O: PageOrder> SgBuffer for KBox<[FreePages<O, u8, Low>]> {
    type Data = PageList<O>;

    #[inline(always)]
    fn data(&self) -> *mut PageList<O> {
        // CAST: `PageList` is transparent over the slice.
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
            // SAFETY: `index` is in range, and the block is not used in the box again.
            let block = unsafe { first.add(index).read() };
            let order = block.order().order() as usize;
            // The address of pages has space for their order in its low bits.
            let word = block.into_raw().addr() | order;
            // SAFETY: A block is no smaller than a word, so the word is within the box and does not
            // overlap a block that is still to be read.
            unsafe { words.add(index).write(word) };
        }
        Backing::blocks(words, len)
    }
}

/// The bytes of blocks of pages: the contents of a mapped [`KBox<[FreePages]>`](FreePages). Gives
/// no access to the blocks themselves.
#[repr(transparent)]
pub struct PageList<O: PageOrder>([FreePages<O, u8, Low>]);

impl<O: PageOrder> PageList<O> {
    /// The number of blocks.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no blocks.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of the block `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.0.get(index).map(|block| &**block)
    }

    /// The bytes of the block `index`, mutably.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut [u8]> {
        self.0.get_mut(index).map(|block| &mut **block)
    }

    /// Iterates over the bytes of each block.
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

/// A buffer that could not be mapped. Converts to the error.
pub struct SgMapFailed<B> {
    /// `ENOMEM`, or another error of [`SgTable::map`].
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

/// Iterator over the DMA address and the size of each segment, made by [`SgTable::segments`].
pub struct Segments<'a>(SGTableIter<'a>);

impl Iterator for Segments<'_> {
    type Item = (DmaAddress, usize);

    #[inline]
    fn next(&mut self) -> Option<(DmaAddress, usize)> {
        let entry = self.0.next()?;
        // CAST: In C the length is an `unsigned int`.
        Some((entry.dma_address(), entry.dma_len() as usize))
    }
}

impl fmt::Debug for Segments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Segments")
    }
}

/// A scatter-gather table.
///
/// # Invariants
///
/// It is from `sg_alloc_table_from_pages_segment()`, and owned.
struct Table(UnsafeCell<bindings::sg_table>);

impl Table {
    /// The table of a buffer, with segments of a size that the device supports. Wraps
    /// `sg_alloc_table_from_pages_segment()`.
    fn new<G, A>(grant: G, dma: DmaDevice<'_, A>, buffer: &impl SgBuffer) -> Result<Self>
    where
        G: Grant<Flags: ForKrealloc>,
    {
        let size = buffer.size();
        // SAFETY: Invariant of `DmaDevice`: the device is bound.
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
        // SAFETY: `pages` are the pages of `size` bytes, which is not 0. A segment is a page at
        // least. The grant proves that the flags are legal in this context.
        to_result(unsafe {
            bindings::sg_alloc_table_from_pages_segment(
                table.get(),
                pages.as_mut_ptr(),
                c_uint::try_from(pages.len())?,
                buffer.offset() as c_uint,
                size as c_ulong,
                // At most the `unsigned int` that `dma_get_max_seg_size()` returned.
                max_segment as c_uint,
                G::Flags::BITS,
            )
        })?;
        // INVARIANT: It was made above.
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
        // SAFETY: Invariant of `Table`: owned, and from `sg_alloc_table_from_pages_segment()`. It
        // is not used again.
        unsafe { bindings::sg_free_table(self.as_raw()) }
    }
}

/// The buffer `B` in discontiguous pages, mapped as a list of segments for a device in the
/// direction `D`, in the state `O`.
///
/// It maps an [`SgBuffer`] as [`Streaming`](super::Streaming) maps contiguous memory, with the same
/// steps, in the table of [`DmaBuffer`]. The device is told the segments. Behind an IOMMU there may
/// be fewer segments than pages.
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
/// fn finish(task: &TaskCx, frame: Frame<'_>, quiesce: &mut impl Quiesce) -> Result<VBox<[u8]>> {
///     Ok(frame.unmap(task, quiesce)?)
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`SgTable::map`] | `sg_alloc_table_from_pages_segment()` and `dma_map_sgtable()` |
/// | [`SgTable::segments`] | `for_each_sgtable_dma_sg()`, `sg_dma_address()`, `sg_dma_len()` |
/// | [`sync_for_cpu`](DmaBuffer::sync_for_cpu) | `dma_sync_sgtable_for_cpu()` |
/// | [`sync_for_device`](DmaBuffer::sync_for_device) | `dma_sync_sgtable_for_device()` |
/// | [`unmap`](DmaBuffer::unmap) of [`DeviceOwned`] | `dma_unmap_sgtable()` and `sg_free_table()` |
/// | [`unmap`](DmaBuffer::unmap) of the others | the same with `DMA_ATTR_SKIP_CPU_SYNC` |
#[doc(alias = "sg_free_table")]
pub type SgTable<'bound, B, D, O = Mapped, A = NoAttrs> = DmaBuffer<'bound, Segmented<B>, D, O, A>;

/// Memory of the driver as a list of segments: the memory of [`SgTable`].
///
/// # Invariants
///
/// `table` describes the memory of `buffer`, and `dma_map_sgtable()` mapped it.
pub struct Segmented<B> {
    // Freed first.
    table: Table,
    buffer: B,
}

impl<B> Segmented<B> {
    #[inline(always)]
    fn table(&self) -> &SGTable {
        // SAFETY: Invariant of `Segmented`: a valid table, which does not change while `self` is
        // borrowed.
        unsafe { SGTable::from_raw(self.table.as_raw()) }
    }
}

// SAFETY: It owns the table, and any thread may free it.
unsafe impl<B: Send> Send for Segmented<B> {}
// SAFETY: A shared one gives the entries of the table, which do not change, and `&B`.
unsafe impl<B: Sync> Sync for Segmented<B> {}

impl<B> Sealed for Segmented<B> {}
// SAFETY: Invariant of `Segmented`: it owns a mapped buffer. The contract of `SgBuffer`: the memory
// does not move.
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
        // SAFETY: Invariant of `Segmented`: the table is mapped. `# Safety`: for this device and
        // direction, and the device does not use it.
        unsafe { kalloc_helper_dma_sync_sgtable_for_cpu(dma.as_raw(), self.table.as_raw(), D::RAW) }
    }

    #[inline(always)]
    unsafe fn sync_for_device<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: Invariant of `Segmented`: the table is mapped. `# Safety`: for this device and
        // direction.
        unsafe {
            kalloc_helper_dma_sync_sgtable_for_device(dma.as_raw(), self.table.as_raw(), D::RAW)
        }
    }

    /// Wraps `dma_unmap_sgtable()`.
    #[inline(always)]
    unsafe fn unmap(&mut self, dma: DmaDevice<'_>, dir: dma_data_direction, attrs: c_ulong) {
        // SAFETY: Invariant of `Segmented`: the table is mapped. `# Safety`: for this device,
        // direction and attributes, and unmapped once.
        unsafe { bindings::dma_unmap_sgtable(dma.as_raw(), self.table.as_raw(), dir, attrs) }
    }

    fn into_kept(self, kept: &mut kalloc_dma_kept) {
        let table = ManuallyDrop::new(self.table);
        kept.mapping = kalloc_dma_mapping_KALLOC_DMA_TABLE;
        // SAFETY: The table is owned, and used only at its new address. C moves such a struct too.
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
    /// Maps `buffer`, wraps `dma_map_sgtable()`. [`give`](DmaBuffer::give) gives it to the device.
    /// A drop before that unmaps and frees the buffer. No segment is larger than the device
    /// supports (`dma_get_max_seg_size()`), or than the largest mapping
    /// ([`DmaDevice::max_mapping_size`]).
    ///
    /// # Errors
    ///
    /// [`SgMapFailed`] with the buffer. `ENOMEM` if the allocation of the table fails, or there is
    /// no IOMMU space. `EIO` if the device cannot address the buffer, or there are no bounce
    /// buffers. `EINVAL` if the buffer is empty. The kernel warns as for [`Streaming::map`],
    /// regardless of the attributes. A grant [`on`](Grant::on) a node does not compile.
    ///
    /// [`Streaming::map`]: super::Streaming::map
    #[doc(alias("sg_alloc_table_from_pages_segment", "dma_map_sgtable"))]
    #[doc(alias = "dma_map_sg")]
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
        // SAFETY: The table is for owned memory. The device is bound and its masks are set.
        let mapped = to_result(unsafe {
            bindings::dma_map_sgtable(dma.as_raw(), table.as_raw(), D::RAW, A::BITS)
        });
        match mapped {
            // INVARIANT: It was mapped above.
            // SAFETY: Newly mapped for this device, direction and attributes, which synchronises it
            // for the device. The device does not know it yet.
            Ok(()) => Ok(unsafe { Self::new_in(dma, Segmented { table, buffer }) }),
            Err(error) => Err(SgMapFailed { error, buffer }),
        }
    }
}

impl<B: SgBuffer, D: Direction, A: Attrs> SgTable<'_, B, D, DeviceOwned, A> {
    /// The kernel crate's view of the table.
    #[inline(always)]
    pub fn table(&self) -> &SGTable {
        self.memory().table()
    }

    /// The DMA address and the size of each segment, wraps `for_each_sgtable_dma_sg()`.
    #[doc(alias("for_each_sgtable_dma_sg", "sg_dma_address", "sg_dma_len"))]
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        self.memory().addresses()
    }
}
