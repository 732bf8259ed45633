// SPDX-License-Identifier: GPL-2.0

//! [`Noncoherent`]: pages for a device, which CPU and device have in turn.

use super::{
    coherent::{
        bytes,
        check,
        flags, //
    },
    state::ask,
    Contiguous,
    CpuOwned,
    DeviceOwned,
    Direction,
    DmaAddress,
    DmaBuffer,
    DmaDevice,
    MappedRange,
    Mapping,
    NoAttrs,
    Quiesce, //
};
use crate::{
    contexts::grant::Grant,
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::ForNoncoherent,
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

/// A `T` or `[T]` in whole pages that are mapped for a device in the direction `D`, in the state `O`.
///
/// It is what [`Coherent`](super::Coherent) memory is without the coherence: cached, so that the CPU
/// reads it fast, and handed over as [`Streaming`](super::Streaming) buffers are, with the steps in
/// the table of [`DmaBuffer`]. It comes from where the device reaches, so nothing is copied.
///
/// A ring is `[T]` whose elements the device has and the CPU gets one by one
/// ([`with_element`](Noncoherent::with_element)).
///
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
/// As of [`DmaBuffer`], in every context, NMI handlers included: `dma_free_pages()` may sleep in a
/// guest whose memory is encrypted, so where that is not allowed a work item calls it soon after, and the
/// end of the binding waits for it.
pub type Noncoherent<'bound, T, D, O = CpuOwned> = DmaBuffer<'bound, PagesOf<T>, D, O, NoAttrs>;

/// Pages of the DMA API with a `T`: the memory of [`Noncoherent`].
///
/// # Invariants
///
/// `cpu` and `address` are what `dma_alloc_pages()` gave for `size(cpu)` bytes, initialised, and are
/// owned by this until it is unmapped.
pub struct PagesOf<T: ?Sized> {
    address: DmaAddress,
    cpu: NonNull<T>,
}

// SAFETY: It owns the `T`, and may be freed on another thread.
unsafe impl<T: Send + ?Sized> Send for PagesOf<T> {}
// SAFETY: A shared one gives no more than `&T`.
unsafe impl<T: Sync + ?Sized> Sync for PagesOf<T> {}

impl<T: ?Sized> Sealed for PagesOf<T> {}
// SAFETY: By its invariant. Nothing is left of it when it is unmapped.
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

    #[inline(always)]
    unsafe fn sync_for_cpu<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: By the invariant it is mapped there; the rest is the contract of this function.
        unsafe { dma.sync_for_cpu::<D>(self.address, self.size()) }
    }

    #[inline(always)]
    unsafe fn sync_for_device<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: By the invariant it is mapped there; the rest is the contract of this function.
        unsafe { dma.sync_for_device::<D>(self.address, self.size()) }
    }

    /// Wraps `dma_free_pages()`, which unmaps and frees.
    #[inline(always)]
    unsafe fn unmap(&mut self, dma: DmaDevice<'_>, dir: dma_data_direction, _attrs: c_ulong) {
        // SAFETY: By the invariant these are what `dma_alloc_pages()` gave, of this size, which is a page
        // at least; device and direction are those of then by the contract of this function, as is that
        // it is done once, and that the device does not use them.
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
    // SAFETY: The device is bound and its mask is set by the invariant of `DmaDevice`, and the flags are
    // legal in this context, which is what the grant says.
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
    // SAFETY: It is a page, and `dma_alloc_pages()` gives none of high memory, as its other callers
    // rely on.
    let memory = unsafe { kalloc_helper_page_address(page) };
    // SAFETY: No page is at NULL.
    Ok((unsafe { NonNull::new_unchecked(memory.cast()) }, address))
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, T, D> {
    /// Moves `value` into new memory, which the CPU has.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where the device reaches no memory that is free. A type of no size
    /// and a grant [`on`](Grant::on) a node do not compile.
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
                // SAFETY: By the invariant the memory is valid for writes of a `T`.
                unsafe { memory.memory().cpu.write(value) };
                Ok(memory)
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory of zeroes, which the CPU has.
    ///
    /// # Errors
    ///
    /// As [`Noncoherent::new`].
    #[inline]
    pub fn zeroed<G>(grant: G, dma: DmaDevice<'bound>) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForNoncoherent>,
    {
        check::<T, G>();
        let (memory, address) = alloc(grant, dma, size_of::<T>(), D::RAW)?;
        // INVARIANT: What `dma_alloc_pages()` gave, which is zero, a `T`.
        let memory = PagesOf {
            address,
            cpu: memory.cast(),
        };
        // SAFETY: It was just made, and the CPU has it: nobody has told the device.
        Ok(unsafe { Self::new_in(dma, memory) })
    }
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, [T], D> {
    /// `len` elements of zeroes, which the CPU has.
    ///
    /// # Errors
    ///
    /// As [`Noncoherent::new`]; and where `len` is 0 or more than can be.
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
        // INVARIANT: What `dma_alloc_pages()` gave, which is zero, a `T` in each place.
        let memory = PagesOf {
            address,
            cpu: NonNull::slice_from_raw_parts(memory.cast(), len),
        };
        // SAFETY: It was just made, and the CPU has it: nobody has told the device.
        Ok(unsafe { Self::new_in(dma, memory) })
    }
}

/// One element of a ring, for as long as the CPU has it.
///
/// # Invariants
///
/// It is a `T` at `address` in pages of the DMA API that are borrowed exclusively.
pub struct Element<'a, T> {
    address: DmaAddress,
    cpu: NonNull<T>,
    // Invariant, so that no two rings can exchange theirs.
    _ring: PhantomData<fn(&'a mut T) -> &'a mut T>,
}

impl<T> Sealed for Element<'_, T> {}
// SAFETY: By its invariant. It is not unmapped apart from its ring.
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

    #[inline(always)]
    unsafe fn sync_for_cpu<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: By the invariant it is mapped there; the rest is the contract of this function. A
        // part of a mapping may be synchronised.
        unsafe { dma.sync_for_cpu::<D>(self.address, size_of::<T>()) }
    }

    #[inline(always)]
    unsafe fn sync_for_device<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: As above.
        unsafe { dma.sync_for_device::<D>(self.address, size_of::<T>()) }
    }

    unsafe fn unmap(&mut self, _dma: DmaDevice<'_>, _dir: dma_data_direction, _attrs: c_ulong) {}

    fn into_kept(self, _kept: &mut kalloc_dma_kept) {}
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, [T], D, DeviceOwned> {
    /// The address of an element for the device.
    #[inline]
    pub fn element_address(&self, index: usize) -> Option<DmaAddress> {
        // CAST: A `dma_addr_t` reaches all of the memory.
        (index < self.memory().cpu.len())
            .then(|| self.dma_address() + (index * size_of::<T>()) as DmaAddress)
    }

    /// Runs `f` with one element of a ring, which is the CPU's meanwhile, and the device's again
    /// after. The device may use the others. Synchronises the element both ways.
    ///
    /// Elements fill cache lines: the CPU writes back whole ones, and would overwrite with them what
    /// the device writes beside. Others do not compile: what is smaller is for
    /// [`Coherent`](super::Coherent) memory.
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
    /// As [`with_cpu`](DmaBuffer::with_cpu), and `EINVAL` where there is no such element.
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
        // SAFETY: There is such an element, as was just seen.
        let cpu = unsafe { self.memory().cpu.cast::<T>().add(index) };
        // INVARIANT: The ring is borrowed exclusively.
        let element = Element {
            address,
            cpu,
            _ring: PhantomData,
        };
        // SAFETY: It is mapped in this direction, and the device does not use it.
        unsafe { element.sync_for_cpu::<D>(dma) };
        // SAFETY: It is of this device and direction, and the CPU has it.
        let element = unsafe { DmaBuffer::<_, D, CpuOwned, _>::new_in(dma, element) };
        let mut element = ManuallyDrop::new(element);
        let result = f(&mut element);
        // SAFETY: It is mapped in this direction.
        unsafe { element.memory().sync_for_device::<D>(dma) };
        Ok(result)
    }
}

/// What a CPU writes back at once, on any machine that this kernel runs on.
const CACHE_LINE: usize = if KALLOC_CONST_ARCH_DMA_MINALIGN > KALLOC_CONST_L1_CACHE_BYTES {
    KALLOC_CONST_ARCH_DMA_MINALIGN
} else {
    KALLOC_CONST_L1_CACHE_BYTES
};
