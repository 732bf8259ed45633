// SPDX-License-Identifier: GPL-2.0

//! [`Streaming`]: `dma_map_single()`, a contiguous buffer of the driver mapped for the device.

use super::{
    keep::Backing,
    mapping::{
        Contiguous,
        Mapping,
        Unmap, //
    },
    Direction,
    DmaAddress,
    DmaBuffer,
    DmaDevice,
    ForMapping,
    Mapped,
    NoAttrs, //
};
use crate::{
    contexts::traits::MayAlloc,
    flags::page_kind::Low,
    ground::sealed::Sealed,
    memory::{
        boxed::KBox,
        page::{
            ExactPages,
            FreePages,
            PageOrder,
            Pages, //
        },
    },
};
use core::{
    fmt,
    ptr, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        dma_data_direction, //
    },
    error::{
        code::EIO,
        Error, //
    },
    ffi::c_ulong,
    page::PAGE_SIZE,
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    ptr::KnownSize, //
};

/// Memory that can be mapped for a device: [`KBox`] of plain bytes, [`Pages`], [`FreePages`] and
/// [`ExactPages`].
///
/// Where DMA is not coherent, memory of kmalloc shares no cache line with other data, or is bounced:
/// the kernel aligns it to `ARCH_DMA_MINALIGN`, or compares its size. On x86, where DMA is coherent,
/// small boxes share a line, which is harmless. `CONFIG_DMA_API_DEBUG` may warn of two such boxes
/// that are both mapped for writing, as it does in C.
///
/// # Safety
///
/// The memory is owned, plain bytes, of kmalloc or of pages with a kernel address. It does not move
/// when the buffer moves.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped for a device",
    label = "this memory cannot be mapped",
    note = "only owned, contiguous memory is mapped: `KBox` of plain bytes (`#[derive(FromBytes, IntoBytes)]`), `Pages`, \
            `FreePages` and `ExactPages`; memory of vmalloc is not contiguous, and is mapped by an `SgTable`; memory on the \
            stack and borrowed memory end before the mapping does"
)]
pub unsafe trait Buffer: Sealed + Sized {
    /// The contents.
    type Data: KnownSize + ?Sized;

    /// The memory. Makes no reference to it, since the device may be writing it.
    #[doc(hidden)]
    fn data(&self) -> *mut Self::Data;

    /// How to free the memory. Moves its ownership to the result.
    #[doc(hidden)]
    fn into_backing(self) -> Backing;
}

macro_rules! buffers {
    ($([$($generics:tt)*] $name:ty, $data:ty, |$buffer:ident| $get:expr, $backing:expr;)*) => {$(
        impl<$($generics)*> Sealed for $name {}
        // SAFETY: It owns memory of kmalloc, or pages, outside of the value itself.
        unsafe impl<$($generics)*> Buffer for $name {
            type Data = $data;
            #[inline(always)]
            fn data(&self) -> *mut $data {
                let $buffer = self;
                $get
            }
            fn into_backing(self) -> Backing {
                let $buffer = self;
                $backing
            }
        }
    )*};
}

buffers! {
    [T: FromBytes + IntoBytes] KBox<T>, T,
        |buffer| buffer.as_raw(), Backing::kvmalloc(buffer.into_raw().cast());
    [T: FromBytes + IntoBytes] KBox<[T]>, [T],
        |buffer| buffer.as_raw(), Backing::kvmalloc(buffer.into_raw().cast());
    [O: PageOrder] Pages<O, u8, Low>, [u8],
        |pages| ptr::slice_from_raw_parts_mut(pages.address().as_ptr(), pages.size()),
        {
            let (memory, order) = (pages.address(), pages.order().order());
            core::mem::forget(pages);
            Backing::pages(memory.as_ptr(), order)
        };
    [O: PageOrder] FreePages<O, u8, Low>, [u8],
        |pages| pages.as_raw(),
        {
            let order = pages.order().order();
            Backing::pages(pages.into_raw(), order)
        };
    [] ExactPages<u8>, [u8],
        |pages| pages.as_raw(), Backing::exact(pages.into_raw());
}

/// A buffer that could not be mapped. Converts to `EIO`.
pub struct MapFailed<B>(pub B);

impl<B> fmt::Debug for MapFailed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MapFailed")
    }
}

impl<B> From<MapFailed<B>> for Error {
    fn from(_: MapFailed<B>) -> Self {
        EIO
    }
}

/// The buffer `B`, mapped for a device in the direction `D`, in the state `O`.
///
/// [`map`](Streaming::map) maps it, and [`give`](DmaBuffer::give) gives it to the device. The CPU
/// gets access again when a [`Quiesce`](super::Quiesce) reports that the device is idle:
/// temporarily ([`sync_for_cpu`](DmaBuffer::sync_for_cpu)) or permanently
/// ([`unmap`](DmaBuffer::unmap)). The table of [`DmaBuffer`] has all steps.
///
/// ```
/// use kalloc::dma::{CpuOwned, DeviceOwned, DmaDevice, DmaAddress, FromDevice, Quiesce, Streaming};
/// use kalloc::prelude::*;
///
/// fn start<'bound>(
///     task: &TaskCx,
///     dma: DmaDevice<'bound>,
///     tell: impl FnOnce(DmaAddress) -> Result,
/// ) -> Result<Streaming<'bound, KBox<[u8]>, FromDevice, DeviceOwned>> {
///     let buffer = KBox::zeroed_slice(task, 512)?;
///     let buffer = Streaming::map(task, dma, buffer)?;
///     let (buffer, ()) = buffer.give(tell)?;
///     Ok(buffer)
/// }
///
/// fn finish(
///     task: &TaskCx,
///     buffer: Streaming<'_, KBox<[u8]>, FromDevice, DeviceOwned>,
///     quiesce: &mut impl Quiesce,
/// ) -> Result<KBox<[u8]>> {
///     let buffer: Streaming<'_, _, _, CpuOwned> = buffer.sync_for_cpu(quiesce)?;
///     pr_info!("the device says {}\n", buffer[0]);
///     Ok(buffer.unmap(task))
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`Streaming::map`] | `dma_map_single()`, which is `dma_map_page()` |
/// | [`sync_for_cpu`](DmaBuffer::sync_for_cpu) | `dma_sync_single_for_cpu()` |
/// | [`sync_for_device`](DmaBuffer::sync_for_device) | `dma_sync_single_for_device()` |
/// | [`unmap`](DmaBuffer::unmap) of [`DeviceOwned`](super::DeviceOwned) | `dma_unmap_single()` |
/// | [`unmap`](DmaBuffer::unmap) of the others | the same with `DMA_ATTR_SKIP_CPU_SYNC` |
pub type Streaming<'bound, B, D, O = Mapped, A = NoAttrs> = DmaBuffer<'bound, Single<B>, D, O, A>;

/// Contiguous memory of the driver: the memory of [`Streaming`].
///
/// # Invariants
///
/// `dma_map_page_attrs()` mapped the memory of `buffer` at `address`.
pub struct Single<B> {
    address: DmaAddress,
    buffer: B,
}

impl<B> Sealed for Single<B> {}
// SAFETY: Invariant of `Single`: it owns a buffer mapped at `address`. The contract of `Buffer`: the
// memory does not move.
unsafe impl<B: Buffer> Mapping for Single<B> {
    type Data = B::Data;
    type Addresses<'a>
        = DmaAddress
    where
        Self: 'a;
    const STAYS: Option<&'static str> = Some("a DMA mapping");

    #[inline(always)]
    fn addresses(&self) -> DmaAddress {
        self.address
    }

    #[inline(always)]
    fn address(&self) -> DmaAddress {
        self.address
    }

    #[inline(always)]
    fn size(&self) -> usize {
        B::Data::size(self.buffer.data())
    }

    #[inline(always)]
    fn data(&self) -> *mut B::Data {
        self.buffer.data()
    }

    /// Wraps `dma_unmap_single_attrs()`, which is `dma_unmap_page_attrs()`.
    #[inline(always)]
    unsafe fn unmap(&mut self, dma: DmaDevice<'_>, dir: dma_data_direction, attrs: c_ulong) {
        // SAFETY: Invariant of `Single`: `dma_map_page_attrs()` mapped this size at `address`.
        // `# Safety`: for this device, direction and attributes, and unmapped once.
        unsafe {
            bindings::dma_unmap_page_attrs(dma.as_raw(), self.address, self.size(), dir, attrs)
        }
    }

    fn into_kept(self, kept: &mut kalloc_dma_kept) {
        kept.mapping = kalloc_dma_mapping_KALLOC_DMA_SINGLE;
        self.buffer.into_backing().write(kept);
    }
}

impl<B: Buffer> Contiguous for Single<B> {}

impl<B: Buffer> Unmap for Single<B> {
    type Buffer = B;

    #[inline(always)]
    fn into_buffer(self) -> B {
        self.buffer
    }
}

impl<'bound, B: Buffer, D: Direction, A: ForMapping> Streaming<'bound, B, D, Mapped, A> {
    /// Maps `buffer`, wraps `dma_map_single()`. [`give`](DmaBuffer::give) gives it to the device. A
    /// drop before that unmaps and frees the buffer.
    ///
    /// # Errors
    ///
    /// [`MapFailed`] with the buffer: if the device cannot address it, if it is larger than
    /// [`DmaDevice::max_mapping_size`], if there is no IOMMU space or no bounce buffer, or if it is
    /// empty. Without bounce buffers the kernel warns once of memory that the device cannot
    /// address: a device with a small mask needs buffers of `.dma()` or `.dma32()`.
    #[doc(alias("dma_map_single", "dma_map_page", "dma_mapping_error"))]
    #[inline]
    pub fn map(
        _cx: &impl MayAlloc,
        dma: DmaDevice<'bound, A>,
        buffer: B,
    ) -> Result<Self, MapFailed<B>> {
        let memory = buffer.data();
        let size = B::Data::size(memory);
        if size == 0 {
            return Err(MapFailed(buffer));
        }
        // SAFETY: `is_vmalloc_addr()` accepts every address.
        if unsafe { bindings::is_vmalloc_addr(memory.cast()) } {
            return Err(MapFailed(buffer));
        }
        // SAFETY: Contract of `Buffer`: the memory is owned and of kmalloc or pages, as
        // `virt_to_page()` needs. The device is bound and its masks are set.
        let address = unsafe {
            kalloc_helper_dma_map_single(
                dma.as_raw(),
                memory.cast(),
                memory.addr() % PAGE_SIZE,
                size,
                D::RAW,
                A::BITS,
            )
        };
        // CAST: It is all ones in C's type.
        if address == KALLOC_CONST_DMA_MAPPING_ERROR as DmaAddress {
            return Err(MapFailed(buffer));
        }
        // INVARIANT: It was mapped at `address` above.
        // SAFETY: Newly mapped for this device, direction and attributes, which synchronises it for
        // the device. The device does not know it yet.
        Ok(unsafe { Self::new_in(dma, Single { address, buffer }) })
    }
}
