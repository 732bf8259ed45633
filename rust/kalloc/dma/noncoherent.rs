// SPDX-License-Identifier: GPL-2.0

//! [`Noncoherent`]: pages for a device, which CPU or device has.

use super::{
    coherent::{bytes, check, flags},
    state::cpu_access,
    streaming::leaked,
    Busy, Cpu, Device, Direction, Dma, DmaAddress, Engine, Owner, Range,
};
use crate::{
    dead,
    gfp::{Failed, FailedWith, ForNoncoherent, Gfp, Grant, MayFail},
};
use core::{fmt, marker::PhantomData, mem::ManuallyDrop, ptr::NonNull};
use kalloc_bindings::*;
use kernel::{
    bindings,
    prelude::{FromBytes, IntoBytes},
    ptr::KnownSize,
};

/// A `T` or `[T]` in whole pages that are mapped for a device in the direction `D`, and which the
/// CPU or the device has: `O`.
///
/// It is what [`Coherent`](super::Coherent) memory is without the coherence: cached, so that the CPU
/// reads it fast, and handed over as [`Streaming`](super::Streaming) buffers are. It comes from
/// where the device reaches, so nothing is copied.
///
/// ```
/// use kalloc::dma::{Device, Dma, Engine, FromDevice, Noncoherent};
/// use kalloc::prelude::*;
///
/// type Ring<'bound> = Noncoherent<'bound, [u32], FromDevice, Device>;
///
/// fn start<'bound>(task: &Task, dma: Dma<'bound>) -> Result<Ring<'bound>> {
///     let ring = Noncoherent::zeroed_slice(task, dma, 1024)?;
///     // Here the device gets `ring.dma_handle()`.
///     Ok(ring.sync_for_device())
/// }
///
/// fn sum<'bound>(ring: Ring<'bound>, engine: &mut impl Engine) -> Result<(u32, Ring<'bound>)> {
///     let ring = ring.sync_for_cpu(engine)?;
///     Ok((ring.iter().sum(), ring.sync_for_device()))
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`Noncoherent::zeroed`] | `dma_alloc_noncoherent()`, which is `dma_alloc_pages()` |
/// | [`Noncoherent::sync_for_device`] | `dma_sync_single_for_device()` |
/// | [`Noncoherent::sync_for_cpu`] | `dma_sync_single_for_cpu()` |
/// | drop | `dma_free_noncoherent()`, which is `dma_free_pages()` |
///
/// # Contexts
///
/// Allocated in every context in which the allocators work; dropped where pages may be. Dropped
/// while the device has it, it stays allocated for ever, and the log says so.
///
/// # Invariants
///
/// `cpu` and `handle` are what `dma_alloc_pages()` gave for `size(cpu)` bytes in this direction,
/// initialised, and are owned by this. Where `O` is [`Cpu`] the device does not use it.
pub struct Noncoherent<'bound, T: KnownSize + ?Sized, D: Direction, O: Owner = Cpu> {
    dma: Dma<'bound>,
    handle: DmaAddress,
    cpu: NonNull<T>,
    _state: PhantomData<(D, O)>,
}

// SAFETY: It owns the `T`, and may be freed on another thread.
unsafe impl<T: KnownSize + Send + ?Sized, D: Direction, O: Owner> Send
    for Noncoherent<'_, T, D, O>
{
}
// SAFETY: A shared one gives no more than `&T`, and that only where the CPU has it.
unsafe impl<T: KnownSize + Sync + ?Sized, D: Direction, O: Owner> Sync
    for Noncoherent<'_, T, D, O>
{
}

/// Wraps `dma_alloc_pages()`.
#[inline(always)]
fn alloc<G: Grant>(
    _grant: G,
    dma: Dma<'_>,
    bytes: usize,
    dir: bindings::dma_data_direction,
) -> Result<(NonNull<u8>, DmaAddress), Failed<G::Flags>> {
    let mut handle = 0;
    // SAFETY: The device is bound and its mask is set by the invariant of `Dma`, and the flags are
    // legal in this context, which is what the grant says.
    let page = unsafe {
        bindings::dma_alloc_pages(
            dma.as_raw(),
            bytes,
            &mut handle,
            dir,
            flags::<G::Flags>(bytes),
        )
    };
    if page.is_null() {
        return Err(G::Flags::failed());
    }
    // SAFETY: It is a page, which has an address: the flags know no high memory.
    let memory = unsafe { kalloc_helper_page_address(page) };
    // SAFETY: No page is at NULL.
    Ok((unsafe { NonNull::new_unchecked(memory.cast()) }, handle))
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, T, D> {
    /// Moves `value` into new memory, which the CPU has.
    ///
    /// # Errors
    ///
    /// [`FailedWith`] the value where the device reaches no memory that is free. A type of no size
    /// and a grant [`on`](Grant::on) a node do not compile.
    #[inline]
    pub fn new<G>(grant: G, dma: Dma<'bound>, value: T) -> Result<Self, FailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForNoncoherent>,
    {
        match Self::zeroed(grant, dma) {
            Ok(memory) => {
                // SAFETY: By the invariant the memory is valid for writes of a `T`.
                unsafe { memory.cpu.write(value) };
                Ok(memory)
            }
            Err(failed) => Err(FailedWith::new(failed, value)),
        }
    }

    /// New memory of zeroes, which the CPU has.
    ///
    /// # Errors
    ///
    /// As [`Noncoherent::new`].
    #[inline]
    pub fn zeroed<G>(grant: G, dma: Dma<'bound>) -> Result<Self, Failed<G::Flags>>
    where
        G: Grant<Flags: ForNoncoherent>,
    {
        check::<T, G>();
        let (memory, handle) = alloc(grant, dma, size_of::<T>(), D::RAW)?;
        // INVARIANT: What `dma_alloc_pages()` gave, which is zero, a `T`.
        Ok(Self {
            dma,
            handle,
            cpu: memory.cast(),
            _state: PhantomData,
        })
    }
}

impl<'bound, T: FromBytes + IntoBytes, D: Direction> Noncoherent<'bound, [T], D> {
    /// `len` elements of zeroes, which the CPU has.
    ///
    /// # Errors
    ///
    /// As [`Noncoherent::new`]; and where `len` is 0 or more than can be.
    #[inline]
    pub fn zeroed_slice<G>(grant: G, dma: Dma<'bound>, len: usize) -> Result<Self, Failed<G::Flags>>
    where
        G: Grant<Flags: ForNoncoherent + MayFail>,
    {
        check::<T, G>();
        let (memory, handle) = alloc(grant, dma, bytes::<T, G::Flags>(len)?, D::RAW)?;
        // INVARIANT: What `dma_alloc_pages()` gave, which is zero, a `T` in each place.
        Ok(Self {
            dma,
            handle,
            cpu: NonNull::slice_from_raw_parts(memory.cast(), len),
            _state: PhantomData,
        })
    }
}

impl<'bound, T: KnownSize + ?Sized, D: Direction, O: Owner> Noncoherent<'bound, T, D, O> {
    /// The address for the device.
    #[inline(always)]
    pub fn dma_handle(&self) -> DmaAddress {
        self.handle
    }

    /// The bytes.
    #[inline(always)]
    pub fn size(&self) -> usize {
        T::size(self.cpu.as_ptr())
    }

    #[inline(always)]
    fn into_state<P: Owner>(self) -> Noncoherent<'bound, T, D, P> {
        let this = ManuallyDrop::new(self);
        Noncoherent {
            dma: this.dma,
            handle: this.handle,
            cpu: this.cpu,
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
}

impl<'bound, T: KnownSize + ?Sized, D: Direction> Noncoherent<'bound, T, D, Device> {
    /// Gives the memory to the CPU, wraps `dma_sync_single_for_cpu()`.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the memory where `engine` is not through with it. (As an error of another type
    /// it is dropped, and leaks: the device may write to it still.)
    #[inline]
    pub fn sync_for_cpu(
        self,
        engine: &mut impl Engine,
    ) -> Result<Noncoherent<'bound, T, D>, Busy<Self>> {
        if !engine.is_quiet(self.range()) {
            return Err(Busy(self));
        }
        // SAFETY: By the invariant it is mapped, in this direction and of this size.
        unsafe { self.dma.sync_for_cpu::<D>(self.handle, self.size()) };
        // INVARIANT: The device is through with it.
        Ok(self.into_state())
    }
}

impl<'bound, T: KnownSize + ?Sized, D: Direction> Noncoherent<'bound, T, D> {
    /// Gives the memory to the device, wraps `dma_sync_single_for_device()`.
    #[inline]
    pub fn sync_for_device(self) -> Noncoherent<'bound, T, D, Device> {
        // SAFETY: By the invariant it is mapped, in this direction and of this size.
        unsafe { self.dma.sync_for_device::<D>(self.handle, self.size()) };
        self.into_state()
    }

    #[inline(always)]
    fn data(&self) -> &T {
        // SAFETY: By the invariant, and the CPU has it.
        unsafe { self.cpu.as_ref() }
    }

    #[inline(always)]
    fn data_mut(&mut self) -> &mut T {
        // SAFETY: As for `data`, and this is borrowed exclusively.
        unsafe { self.cpu.as_mut() }
    }
}

cpu_access!([T: KnownSize + ?Sized] Noncoherent [T;], T);

impl<T: KnownSize + ?Sized, D: Direction, O: Owner> Drop for Noncoherent<'_, T, D, O> {
    #[inline]
    fn drop(&mut self) {
        if O::DEVICE {
            return leaked(self.range());
        }
        if dead::stays("non-coherent DMA memory") {
            return;
        }
        // SAFETY: By the invariant it is the address of pages.
        let page = unsafe { kalloc_helper_virt_to_page(self.cpu.as_ptr().cast()) };
        // SAFETY: By the invariant these are what `dma_alloc_pages()` gave, of this size and in this
        // direction, and the device does not use them.
        unsafe {
            bindings::dma_free_pages(self.dma.as_raw(), self.size(), page, self.handle, D::RAW)
        }
    }
}

impl<T: KnownSize + ?Sized, D: Direction, O: Owner> fmt::Debug for Noncoherent<'_, T, D, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.range().fmt(f)
    }
}
