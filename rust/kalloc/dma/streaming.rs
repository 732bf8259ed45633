// SPDX-License-Identifier: GPL-2.0

//! [`Streaming`]: a buffer of the driver, mapped for the device.

use super::{
    state::cpu_access, Attrs, Busy, Cpu, Device, Direction, Dma, DmaAddress, Engine, ForMapping,
    NoAttrs, Owner, Range,
};
use crate::{
    boxed::KBox,
    context::{private::Sealed, Allocate},
    dead,
    page::{ExactPages, Low, PageMem, PageOrder, Pages},
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ptr,
};
use kalloc_bindings::*;
use kernel::{
    bindings::{self, DMA_ATTR_SKIP_CPU_SYNC},
    dev_warn,
    error::{code::EIO, Error},
    ffi::c_ulong,
    page::PAGE_SIZE,
    prelude::{FromBytes, IntoBytes},
    ptr::KnownSize,
};

/// Memory that can be mapped for a device: [`KBox`] of plain bytes, [`Pages`], [`PageMem`] and
/// [`ExactPages`].
///
/// Memory of kmalloc shares no cache line with other data, because the kernel aligns it to
/// `ARCH_KMALLOC_MINALIGN`; on x86, where caches see what devices do, it would not matter.
///
/// # Safety
///
/// The memory is owned, of kmalloc or of pages with an address of their own, plain bytes, and stays
/// where it is while the buffer is moved.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped for a device",
    label = "not memory that a device can be given",
    note = "a device can be given what is owned and contiguous: `KBox` of plain bytes (`#[derive(FromBytes, IntoBytes)]`), \
            `Pages`, `PageMem` or `ExactPages`; memory of vmalloc is not contiguous and for an `SgTable`, and what is on the \
            stack or borrowed is not the driver's to give"
)]
pub unsafe trait Buffer: Sealed {
    /// What is in it.
    type Data: KnownSize + ?Sized;

    /// The memory, without a reference to it: the device may be writing it.
    #[doc(hidden)]
    fn data(&self) -> *mut Self::Data;
}

macro_rules! buffers {
    ($([$($generics:tt)*] $name:ty, $data:ty, |$buffer:ident| $get:expr;)*) => {$(
        impl<$($generics)*> Sealed for $name {}
        // SAFETY: It owns memory of kmalloc, or pages, and does not keep them within itself.
        unsafe impl<$($generics)*> Buffer for $name {
            type Data = $data;
            #[inline(always)]
            fn data(&self) -> *mut $data {
                let $buffer = self;
                $get
            }
        }
    )*};
}

buffers! {
    [T: FromBytes + IntoBytes] KBox<T>, T, |buffer| buffer.as_raw();
    [T: FromBytes + IntoBytes] KBox<[T]>, [T], |buffer| buffer.as_raw();
    [O: PageOrder] Pages<O, u8, Low>, [u8], |pages| {
        ptr::slice_from_raw_parts_mut(pages.address().as_ptr(), pages.size())
    };
    [O: PageOrder] PageMem<O, u8, Low>, [u8], |pages| pages.as_raw();
    [] ExactPages<u8>, [u8], |pages| pages.as_raw();
}

/// A buffer that was not mapped, given back. Turns into `EIO`.
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

/// The buffer `B`, mapped for a device in the direction `D`, which the CPU or the device has: `O`.
///
/// Mapping gives it to the device. The CPU has no access then, whatever is tried: it gets it back
/// from an [`Engine`] that says that the device is through, to look at it
/// ([`sync_for_cpu`](Streaming::sync_for_cpu)) or for good ([`unmap`](Streaming::unmap)).
///
/// ```
/// use kalloc::dma::{Cpu, Device, Dma, Engine, FromDevice, Streaming};
/// use kalloc::prelude::*;
///
/// fn start<'bound>(
///     task: &Task,
///     dma: Dma<'bound>,
/// ) -> Result<Streaming<'bound, KBox<[u8]>, FromDevice>> {
///     let buffer = KBox::zeroed_slice(task, 512)?;
///     let buffer = Streaming::map(task, dma, buffer)?;
///     // Here the device gets `buffer.dma_handle()`.
///     Ok(buffer)
/// }
///
/// fn finish(
///     buffer: Streaming<'_, KBox<[u8]>, FromDevice, Device>,
///     engine: &mut impl Engine,
/// ) -> Result<KBox<[u8]>> {
///     let buffer: Streaming<'_, _, _, Cpu> = buffer.sync_for_cpu(engine)?;
///     pr_info!("the device says {}\n", buffer[0]);
///     Ok(buffer.unmap())
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`Streaming::map`] | `dma_map_single()`, which is `dma_map_page()` |
/// | [`Streaming::sync_for_cpu`] | `dma_sync_single_for_cpu()` |
/// | [`Streaming::sync_for_device`] | `dma_sync_single_for_device()` |
/// | [`Streaming::unmap`] of the device's | `dma_unmap_single()` |
/// | [`Streaming::unmap`] of the CPU's | the same with `DMA_ATTR_SKIP_CPU_SYNC`: what the CPU wrote stays |
///
/// # Contexts
///
/// Mapped in every context in which the allocators work; dropped where the buffer itself may be.
/// Dropped while the CPU has it, it is unmapped and freed. Dropped while the device has it, neither
/// can be done: it stays mapped and allocated for ever, and the log says so. So does `mem::forget`,
/// without a word.
///
/// # Invariants
///
/// `handle` is the address of the memory of `buffer`, which is mapped for the device with the
/// attributes `A`. Where `O` is [`Cpu`] the memory is synchronised for it and the device is through
/// with it.
pub struct Streaming<'bound, B, D, O = Device, A = NoAttrs>
where
    B: Buffer,
    D: Direction,
    O: Owner,
    A: Attrs,
{
    dma: Dma<'bound, A>,
    handle: DmaAddress,
    // Initialised until it is dropped.
    buffer: MaybeUninit<B>,
    _state: PhantomData<(D, O)>,
}

// SAFETY: It owns the buffer, and it may be unmapped on another thread.
unsafe impl<B: Buffer + Send, D: Direction, O: Owner, A: Attrs> Send for Streaming<'_, B, D, O, A> {}
// SAFETY: A shared one gives no more than `&B::Data`, and that only where the CPU has it.
unsafe impl<B: Buffer + Sync, D: Direction, O: Owner, A: Attrs> Sync for Streaming<'_, B, D, O, A> {}

impl<'bound, B: Buffer, D: Direction, A: ForMapping> Streaming<'bound, B, D, Device, A> {
    /// Maps `buffer` and gives it to the device, wraps `dma_map_single()`.
    ///
    /// # Errors
    ///
    /// [`MapFailed`] with the buffer: the device does not reach it, it is larger than
    /// [`Dma::max_mapping_size`], there is no room in the IOMMU or no bounce buffer, or it is empty.
    /// The kernel warns once of memory that the device does not reach where nothing bounces: a
    /// device with a small mask needs buffers of `.dma()` or `.dma32()`.
    #[inline]
    pub fn map(_cx: &impl Allocate, dma: Dma<'bound, A>, buffer: B) -> Result<Self, MapFailed<B>> {
        let memory = buffer.data();
        let size = B::Data::size(memory);
        if size == 0 {
            return Err(MapFailed(buffer));
        }
        // SAFETY: It looks at the address alone.
        if unsafe { bindings::is_vmalloc_addr(memory.cast()) } {
            return Err(MapFailed(buffer));
        }
        // SAFETY: The memory is of kmalloc or of pages and nobody else's. The device is bound and its
        // mask is set.
        let handle = unsafe {
            kalloc_helper_dma_map_single(
                dma.as_raw(),
                memory.cast(),
                memory.addr() % PAGE_SIZE,
                size,
                D::RAW,
                A::BITS,
            )
        };
        // CAST: It is all ones, in C's type.
        if handle == KALLOC_CONST_DMA_MAPPING_ERROR as DmaAddress {
            return Err(MapFailed(buffer));
        }
        // INVARIANT: It is mapped, and the device has it.
        Ok(Self {
            dma,
            handle,
            buffer: MaybeUninit::new(buffer),
            _state: PhantomData,
        })
    }
}

impl<'bound, B: Buffer, D: Direction, O: Owner, A: Attrs> Streaming<'bound, B, D, O, A> {
    /// The address for the device.
    #[inline(always)]
    pub fn dma_handle(&self) -> DmaAddress {
        self.handle
    }

    /// The bytes.
    #[inline(always)]
    pub fn size(&self) -> usize {
        B::Data::size(self.memory())
    }

    #[inline(always)]
    fn memory(&self) -> *mut B::Data {
        // SAFETY: It is initialised until it is dropped.
        unsafe { self.buffer.assume_init_ref() }.data()
    }

    /// The same mapping, whoever has it.
    #[inline(always)]
    fn into_state<P: Owner>(self) -> Streaming<'bound, B, D, P, A> {
        let this = ManuallyDrop::new(self);
        Streaming {
            dma: this.dma,
            handle: this.handle,
            // SAFETY: It is not used in its old place again.
            buffer: unsafe { ptr::read(&this.buffer) },
            _state: PhantomData,
        }
    }

    #[inline(always)]
    fn range(&self) -> Range<'bound> {
        Range {
            dev: self.dma.device(),
            handle: self.handle,
            size: self.size(),
        }
    }

    /// Wraps `dma_unmap_single_attrs()`, which is `dma_unmap_page_attrs()`.
    ///
    /// # Safety
    ///
    /// The device is through with it, and it is not used again.
    #[inline(always)]
    unsafe fn unmap_raw(&mut self, attrs: c_ulong) {
        // SAFETY: By the invariant it is mapped, and by the contract of this function not used again.
        unsafe {
            bindings::dma_unmap_page_attrs(
                self.dma.as_raw(),
                self.handle,
                self.size(),
                D::RAW,
                A::BITS | attrs,
            )
        }
    }

    /// The buffer, which is not mapped any more.
    ///
    /// # Safety
    ///
    /// It is unmapped.
    #[inline(always)]
    unsafe fn into_buffer(self) -> B {
        let this = ManuallyDrop::new(self);
        // SAFETY: It is initialised and not used in its old place again.
        unsafe { this.buffer.assume_init_read() }
    }
}

impl<'bound, B: Buffer, D: Direction, A: Attrs> Streaming<'bound, B, D, Device, A> {
    /// Gives the memory to the CPU, still mapped, wraps `dma_sync_single_for_cpu()`.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the mapping where `engine` is not through with it. (As an error of another type
    /// it is dropped, and leaks: the device may write to it still.)
    #[inline]
    pub fn sync_for_cpu(
        self,
        engine: &mut impl Engine,
    ) -> Result<Streaming<'bound, B, D, Cpu, A>, Busy<Self>> {
        if !engine.is_quiet(self.range()) {
            return Err(Busy(self));
        }
        // SAFETY: By the invariant it is mapped, in this direction and of this size.
        unsafe { self.dma.sync_for_cpu::<D>(self.handle, self.size()) };
        // INVARIANT: The device is through, and the memory is synchronised.
        Ok(self.into_state())
    }

    /// Unmaps the memory for good, wraps `dma_unmap_single()`. What the device wrote is in it.
    ///
    /// # Errors
    ///
    /// As [`Streaming::sync_for_cpu`].
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

impl<'bound, B: Buffer, D: Direction, A: Attrs> Streaming<'bound, B, D, Cpu, A> {
    /// Gives the memory to the device again, wraps `dma_sync_single_for_device()`.
    #[inline]
    pub fn sync_for_device(self) -> Streaming<'bound, B, D, Device, A> {
        // SAFETY: By the invariant it is mapped, in this direction and of this size.
        unsafe { self.dma.sync_for_device::<D>(self.handle, self.size()) };
        // INVARIANT: The device has it.
        self.into_state()
    }

    /// Unmaps the memory for good, wraps `dma_unmap_single_attrs()` with `DMA_ATTR_SKIP_CPU_SYNC`:
    /// the CPU has had it, and what it wrote since is not to be overwritten.
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
        unsafe { &*self.memory() }
    }

    #[inline(always)]
    fn data_mut(&mut self) -> &mut B::Data {
        // SAFETY: As for `data`, and this is borrowed exclusively.
        unsafe { &mut *self.memory() }
    }
}

cpu_access!([B: Buffer, A: Attrs] Streaming [B; A], B::Data);

impl<B: Buffer, D: Direction, O: Owner, A: Attrs> Drop for Streaming<'_, B, D, O, A> {
    #[inline]
    fn drop(&mut self) {
        if O::DEVICE {
            return leaked(self.range());
        }
        if dead::stays("a DMA mapping") {
            return;
        }
        // SAFETY: By the invariant the device is through with it.
        unsafe { self.unmap_raw(DMA_ATTR_SKIP_CPU_SYNC as c_ulong) };
        // SAFETY: It is initialised, and not used again.
        unsafe { self.buffer.assume_init_drop() };
    }
}

/// What is dropped while the device has it cannot be freed.
#[cold]
#[inline(never)]
pub(super) fn leaked(range: Range<'_>) {
    dev_warn!(
        range.dev,
        "kalloc: dropped while the device has it, so {} bytes at {:#x} are lost\n",
        range.size,
        range.handle
    );
}

impl<B: Buffer, D: Direction, O: Owner, A: Attrs> fmt::Debug for Streaming<'_, B, D, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.range().fmt(f)
    }
}
