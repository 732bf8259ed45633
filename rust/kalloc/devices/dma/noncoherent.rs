// SPDX-License-Identifier: GPL-2.0

//! [`Noncoherent`]: `dma_alloc_noncoherent()`, pages that CPU and device own in turn.

use super::{
    coherent::{
        bytes,
        check,
        flags, //
    },
    mapping::{
        Contiguous,
        Mapping, //
    },
    state::ask,
    CpuOwned,
    DeviceOwned,
    Direction,
    DmaAddress,
    DmaBuffer,
    DmaDevice,
    MappedRange,
    NoAttrs,
    Quiesce, //
};
use crate::{
    contexts::grant::Grant,
    flags::{
        allocators::ForNoncoherent,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        properties::MayFail, //
    },
    ground::sealed::Sealed, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        dma_data_direction, //
    },
    error::{
        code::EINVAL,
        Result, //
    },
    ffi::c_ulong,
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    ptr::KnownSize, //
};

/// A `T` or `[T]` in whole pages, mapped for a device in the direction `D`, in the state `O`.
///
/// In contrast to [`Coherent`](super::Coherent) memory it is cached, so that the CPU reads it fast.
/// Ownership changes as for [`Streaming`](super::Streaming) buffers, by the steps in the table of
/// [`DmaBuffer`]. The device can address the memory, so nothing is bounced.
///
/// A ring is a `[T]` that the device owns. The CPU gets single elements by
/// [`with_element`](Noncoherent::with_element).
/// ```
/// use kalloc::dma::{DeviceOwned, DmaDevice, FromDevice, Noncoherent, Quiesce};
/// use kalloc::prelude::*;
///
/// type Ring<'bound> = Noncoherent<'bound, [u32], FromDevice, DeviceOwned>;
///
/// fn start<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<Ring<'bound>> {
///     let ring = Noncoherent::zeroed_slice(task, dma, 1024)?;
///     let ring = ring.sync_for_device().into_device();
///     // Here the device is told `ring.dma_address()`.
///     Ok(ring)
/// }
///
/// fn sum(ring: &mut Ring<'_>, quiesce: &mut impl Quiesce) -> Result<u32> {
///     ring.with_cpu(quiesce, |ring| ring.iter().sum())
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`Noncoherent::zeroed`] | `dma_alloc_noncoherent()`, which is `dma_alloc_pages()` |
/// | [`sync_for_device`](DmaBuffer::sync_for_device) | `dma_sync_single_for_device()` |
/// | [`sync_for_cpu`](DmaBuffer::sync_for_cpu) | `dma_sync_single_for_cpu()` |
/// | drop | `dma_free_noncoherent()`, which is `dma_free_pages()` |
///
/// # Drop
///
/// As for [`DmaBuffer`], in every context, including NMI handlers. `dma_free_pages()` may sleep in
/// a guest with encrypted memory. In contexts that may not sleep a work item calls it later, and
/// unbinding the device waits for that.
#[doc(alias("dma_free_noncoherent", "dma_free_pages"))]
pub type Noncoherent<'bound, T, D, O = CpuOwned> = DmaBuffer<'bound, PagesOf<T>, D, O, NoAttrs>;

/// Pages of the DMA API that hold a `T`: the memory of [`Noncoherent`].
///
/// # Invariants
///
/// `cpu` and `address` are from `dma_alloc_pages()` for the size of `cpu`. The memory is
/// initialised, and owned until it is unmapped.
pub struct PagesOf<T: ?Sized> {
    address: DmaAddress,
    cpu: NonNull<T>,
}

// SAFETY: It owns the `T`, and any thread may free it.
unsafe impl<T: Send + ?Sized> Send for PagesOf<T> {}
// SAFETY: A shared one gives only `&T`.
unsafe impl<T: Sync + ?Sized> Sync for PagesOf<T> {}

impl<T: ?Sized> Sealed for PagesOf<T> {}
// SAFETY: Invariant of `PagesOf`: it owns pages mapped at `address`, which do not move. After
// `unmap` it owns nothing.
unsafe impl<T: KnownSize + ?Sized> Mapping for PagesOf<T> {
    type Data = T;
    type Addresses<'a>
        = DmaAddress
    where
        Self: 'a;
    const STAYS: Option<&'static str> = None;

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
        T::size(self.cpu.as_ptr())
    }

    #[inline(always)]
    fn data(&self) -> *mut T {
        self.cpu.as_ptr()
    }

    /// Wraps `dma_free_pages()`, which unmaps and frees.
    #[inline(always)]
    unsafe fn unmap(&mut self, dma: DmaDevice<'_>, dir: dma_data_direction, _attrs: c_ulong) {
        // SAFETY: Invariant of `PagesOf`: from `dma_alloc_pages()` for this size, which takes a
        // page at least. `# Safety`: for this device and direction, not in use by the device, and
        // unmapped once.
        unsafe {
            kalloc_helper_dma_free_pages(
                dma.as_raw(),
                self.size(),
                self.cpu.as_ptr().cast(),
                self.address,
                dir,
            )
        }
    }

    fn into_kept(self, kept: &mut kalloc_dma_kept) {
        kept.mapping = kalloc_dma_mapping_KALLOC_DMA_PAGES;
        kept.cpu = self.cpu.as_ptr().cast();
    }
}

impl<T: KnownSize + ?Sized> Contiguous for PagesOf<T> {}

/// Wraps `dma_alloc_pages()`.
#[inline(always)]
fn alloc<G: Grant>(
    _grant: G,
    dma: DmaDevice<'_>,
    bytes: usize,
    dir: bindings::dma_data_direction,
) -> Result<(NonNull<u8>, DmaAddress), AllocFailed<G::Flags>> {
    let mut address = 0;
    // SAFETY: Invariant of `DmaDevice`: the device is bound and its masks are set. The grant proves
    // that the flags are legal in this context. `ForNoncoherent` has no zone and no `__GFP_COMP`, at
    // which `dma_alloc_pages()` warns.
    let page = unsafe {
        bindings::dma_alloc_pages(
            dma.as_raw(),
            bytes,
            &mut address,
            dir,
            flags::<G::Flags>(bytes),
        )
    };
    if page.is_null() {
        return Err(G::Flags::failed());
    }
    // SAFETY: `page` is a valid page. `dma_alloc_pages()` returns no high memory: callers in the
    // kernel rely on that too.
    let memory = unsafe { kalloc_helper_page_address(page) };
    // SAFETY: The address of a page is not NULL.
    Ok((unsafe { NonNull::new_unchecked(memory.cast()) }, address))
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, T, D> {
    /// Moves `value` into new memory, owned by the CPU.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if there is no free memory that the device can address. A type
    /// without size and a grant [`on`](Grant::on) a node do not compile.
    #[inline]
    pub fn new<G>(
        grant: G,
        dma: DmaDevice<'bound>,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForNoncoherent>,
    {
        match Self::zeroed(grant, dma) {
            Ok(memory) => {
                // SAFETY: Invariant of `PagesOf`: the memory is valid for writes of a `T`.
                unsafe { memory.memory().cpu.write(value) };
                Ok(memory)
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New zeroed memory, owned by the CPU.
    ///
    /// # Errors
    ///
    /// As [`Noncoherent::new`].
    #[doc(alias("dma_alloc_noncoherent", "dma_alloc_pages"))]
    #[inline]
    pub fn zeroed<G>(grant: G, dma: DmaDevice<'bound>) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForNoncoherent>,
    {
        check::<T, G>();
        let (memory, address) = alloc(grant, dma, size_of::<T>(), D::RAW)?;
        // INVARIANT: From `dma_alloc_pages()`, which zeroes, and zero is a valid `T: FromBytes`.
        let memory = PagesOf {
            address,
            cpu: memory.cast(),
        };
        // SAFETY: Newly made. The device does not know it, so the CPU owns it.
        Ok(unsafe { Self::new_in(dma, memory) })
    }
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, [T], D> {
    /// `len` zeroed elements, owned by the CPU.
    ///
    /// # Errors
    ///
    /// As [`Noncoherent::new`], and if `len` is 0 or too large.
    #[inline]
    pub fn zeroed_slice<G>(
        grant: G,
        dma: DmaDevice<'bound>,
        len: usize,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForNoncoherent + MayFail>,
    {
        check::<T, G>();
        let (memory, address) = alloc(grant, dma, bytes::<T, G::Flags>(len)?, D::RAW)?;
        // INVARIANT: From `dma_alloc_pages()`, which zeroes, and zero is a valid `T: FromBytes`.
        let memory = PagesOf {
            address,
            cpu: NonNull::slice_from_raw_parts(memory.cast(), len),
        };
        // SAFETY: Newly made. The device does not know it, so the CPU owns it.
        Ok(unsafe { Self::new_in(dma, memory) })
    }
}

/// An element of a ring, while the CPU owns it.
///
/// # Invariants
///
/// `cpu` is a `T` in exclusively borrowed pages of the DMA API, mapped at `address`.
pub struct Element<'a, T> {
    address: DmaAddress,
    cpu: NonNull<T>,
    // Invariant, so that elements of two rings cannot be swapped.
    _ring: PhantomData<fn(&'a mut T) -> &'a mut T>,
}

impl<T> Sealed for Element<'_, T> {}
// SAFETY: Invariant of `Element`: it borrows memory mapped at `address` exclusively, a part of a
// mapping, which may be synchronised alone. The ring unmaps it.
unsafe impl<T> Mapping for Element<'_, T> {
    type Data = T;
    type Addresses<'a>
        = DmaAddress
    where
        Self: 'a;
    const STAYS: Option<&'static str> = None;

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
        size_of::<T>()
    }

    #[inline(always)]
    fn data(&self) -> *mut T {
        self.cpu.as_ptr()
    }

    unsafe fn unmap(&mut self, _dma: DmaDevice<'_>, _dir: dma_data_direction, _attrs: c_ulong) {}

    fn into_kept(self, _kept: &mut kalloc_dma_kept) {}
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, [T], D, DeviceOwned> {
    /// The DMA address of an element.
    #[inline]
    pub fn element_address(&self, index: usize) -> Option<DmaAddress> {
        // CAST: A `dma_addr_t` can address all of the memory.
        (index < self.memory().cpu.len())
            .then(|| self.dma_address() + (index * size_of::<T>()) as DmaAddress)
    }

    /// Calls `f` with an element of a ring, which the CPU owns until `f` returns. Then the device
    /// owns it again. The device may use the other elements meanwhile. Synchronises the element in
    /// both directions.
    ///
    /// The size of an element is a multiple of the cache line size, or this does not compile: the
    /// CPU writes back whole lines, and would overwrite what the device writes next to a smaller
    /// element. For smaller elements use [`Coherent`](super::Coherent) memory.
    ///
    /// ```
    /// use kalloc::dma::{DeviceOwned, FromDevice, Noncoherent, Quiesce};
    /// use kalloc::prelude::*;
    ///
    /// type Ring<'bound> = Noncoherent<'bound, [[u8; 256]], FromDevice, DeviceOwned>;
    ///
    /// fn first(ring: &mut Ring<'_>, index: usize, done: &mut impl Quiesce) -> Result<u8> {
    ///     ring.with_element(index, done, |element| element[0])
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`with_cpu`](DmaBuffer::with_cpu), and `EINVAL` if `index` is out of range.
    #[inline]
    pub fn with_element<R>(
        &mut self,
        index: usize,
        quiesce: &mut impl Quiesce,
        f: impl FnOnce(&mut DmaBuffer<'bound, Element<'_, T>, D, CpuOwned, NoAttrs>) -> R,
    ) -> Result<R> {
        const {
            assert!(
                size_of::<T>() % CACHE_LINE == 0,
                "an element of a non-coherent ring fills cache lines"
            );
        }
        let address = self.element_address(index).ok_or(EINVAL)?;
        let dma = self.dma();
        ask(
            quiesce,
            MappedRange {
                dev: dma.device(),
                address,
                size: size_of::<T>(),
            },
        )?;
        // SAFETY: `element_address` checked that `index` is in range.
        let cpu = unsafe { self.memory().cpu.cast::<T>().add(index) };
        // INVARIANT: The ring is borrowed exclusively, and the element is mapped at `address`.
        let element = Element {
            address,
            cpu,
            _ring: PhantomData,
        };
        // SAFETY: It is mapped in this direction. `quiesce` reported that the device does not use
        // it.
        unsafe { element.sync_for_cpu::<D>(dma) };
        // SAFETY: It is for this device and direction, and the CPU owns it.
        let element = unsafe { DmaBuffer::<_, D, CpuOwned, _>::new_in(dma, element) };
        let mut element = ManuallyDrop::new(element);
        let result = f(&mut element);
        // SAFETY: It is mapped in this direction.
        unsafe { element.memory().sync_for_device::<D>(dma) };
        Ok(result)
    }
}

/// The largest cache line of the machines that this kernel supports.
const CACHE_LINE: usize = if KALLOC_CONST_ARCH_DMA_MINALIGN > KALLOC_CONST_L1_CACHE_BYTES {
    KALLOC_CONST_ARCH_DMA_MINALIGN
} else {
    KALLOC_CONST_L1_CACHE_BYTES
};
