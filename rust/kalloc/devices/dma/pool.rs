// SPDX-License-Identifier: GPL-2.0

//! [`DmaPool`]: coherent memory in small blocks.

use super::{
    keep,
    state::{
        ask,
        MappedRange, //
    },
    Busy,
    CoherentBackend,
    CoherentView,
    DmaAddress,
    DmaDevice,
    Quiesce, //
};
use crate::{
    alloc::deferred_free,
    contexts::{
        grant::Grant,
        traits::MayFs, //
    },
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::ForDmaPool, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering::Relaxed, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    error::{
        code::ENOMEM,
        Result, //
    },
    io::IoBase,
    page::PAGE_SIZE,
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    str::{
        CStr,
        CStrExt, //
    },
};

/// Coherent memory in blocks of a `T` each, where [`Coherent`](super::Coherent) takes a page and
/// more: for descriptors.
///
/// A block lives no longer than its pool:
///
/// ```
/// use kalloc::{dma::{DmaDevice, DmaAddress, DmaPool, Quiesce}, prelude::*};
/// use kernel::io::io_write;
///
/// #[derive(FromBytes, IntoBytes)]
/// #[repr(C)]
/// struct Descriptor { next: u64, length: u32, flags: u32 }
///
/// fn chain(
///     task: &mut TaskCx,
///     dma: DmaDevice<'_>,
///     run: impl FnOnce(DmaAddress) -> Result,
///     quiesce: &mut impl Quiesce,
/// ) -> Result {
///     let pool = DmaPool::<Descriptor>::new(task, dma, c"descriptors")?;
///     let first = pool.zeroed(&task)?;
///     let second = pool.zeroed(&task)?;
///     io_write!(first, .next, second.dma_address());
///     run(first.dma_address())?;
///     first.free(quiesce)?;
///     second.free(quiesce)?;
///     pool.destroy(task);
///     Ok(())
/// }
/// ```
///
/// Data of a driver has the pool's [`share`](DmaPool::share) and blocks of it, which then live as
/// long as the binding:
///
/// ```
/// use kalloc::{dma::{DmaDevice, DmaBlock, DmaPool, DmaPoolRef}, prelude::*};
///
/// struct State<'bound> {
///     head: DmaBlock<'bound, [u32; 8]>,
///     pool: DmaPoolRef<'bound, [u32; 8]>,
/// }
///
/// fn state<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<State<'bound>> {
///     // Aligned to 64 bytes, and not across 4096.
///     let pool = DmaPool::with::<64, 4096>(task, dma, c"commands")?.share();
///     Ok(State { head: pool.zeroed(task)?, pool })
/// }
/// ```
///
/// | kalloc | C |
/// | --- | --- |
/// | [`DmaPool::new`], [`DmaPool::with`] | `dma_pool_create()` |
/// | [`DmaPool::zeroed`] | `dma_pool_zalloc()` |
/// | [`DmaPool::alloc`] | `dma_pool_alloc()` |
/// | [`DmaBlock::free`] | `dma_pool_free()` |
/// | [`DmaPool::destroy`] | `dma_pool_destroy()` |
///
/// # Drop
///
/// A dropped pool does nothing, everywhere: it goes with the binding, as every pool does that was
/// not destroyed before.
///
/// # Invariants
///
/// `pool` is of `dma_pool_create()` for blocks of a `T`, and lives until the end of the binding or the
/// end of this by [`DmaPool::destroy`].
pub struct DmaPool<'bound, T> {
    pool: DmaPoolRef<'bound, T>,
}

impl<'bound, T: FromBytes + IntoBytes> DmaPool<'bound, T> {
    /// A pool of blocks that are aligned as a `T` is, wraps `dma_pool_create()`.
    ///
    /// The name is what `/sys/devices/…/pools` shows.
    ///
    /// # Errors
    ///
    /// `ENOMEM`. A type of no size, and one aligned to more than a page, do not compile.
    #[inline]
    pub fn new(cx: &impl MayFs, dma: DmaDevice<'bound>, name: &CStr) -> Result<Self> {
        Self::with::<1, 0>(cx, dma, name)
    }

    /// As [`DmaPool::new`], of blocks aligned to `ALIGN` bytes that do not cross a multiple of
    /// `BOUNDARY` bytes; any, where that is 0.
    ///
    /// # Errors
    ///
    /// As [`DmaPool::new`]. What is no power of two, an alignment of more than a page, and a boundary
    /// smaller than a block, do not compile.
    #[inline]
    pub fn with<const ALIGN: usize, const BOUNDARY: usize>(
        _cx: &impl MayFs,
        dma: DmaDevice<'bound>,
        name: &CStr,
    ) -> Result<Self> {
        let align = const {
            assert!(
                size_of::<T>() > 0,
                "a device cannot write to a type of no size"
            );
            assert!(size_of::<T>() <= 1 << 22, "a block is at most 4 MiB");
            assert!(ALIGN.is_power_of_two(), "an alignment is a power of two");
            let align = if ALIGN > align_of::<T>() {
                ALIGN
            } else {
                align_of::<T>()
            };
            // The kernel aligns what a pool allocates to pages, behind an IOMMU not to more.
            assert!(align <= PAGE_SIZE, "aligned to more than a page");
            assert!(
                BOUNDARY == 0
                    || BOUNDARY.is_power_of_two()
                        && BOUNDARY >= size_of::<T>().next_multiple_of(align)
                        && BOUNDARY >= 16,
                "a boundary is a power of two, and a block fits in it"
            );
            align
        };
        // SAFETY: The device is bound, its masks are set, the caller may sleep and the kernel copies
        // the name.
        let pool = unsafe {
            kalloc_helper_dma_pool_create(
                name.as_char_ptr(),
                dma.as_raw(),
                size_of::<T>(),
                align,
                BOUNDARY,
            )
        };
        let pool = NonNull::new(pool).ok_or(ENOMEM)?;
        let entry = kalloc_dma_kept {
            mapping: kalloc_dma_mapping_KALLOC_DMA_POOL,
            pool: pool.as_ptr(),
            ..keep::entry(dma.device(), 0, 0)
        };
        // SAFETY: The entry is of a pool that is owned, and its device is bound. The caller may sleep.
        let entry = unsafe { kalloc_helper_dma_manage(&entry, KALLOC_CONST_GFP_KERNEL) };
        if entry.is_null() {
            // SAFETY: It was just made, so no block of it is in use. The caller may sleep.
            unsafe { dma_pool_destroy(pool.as_ptr()) };
            return Err(ENOMEM);
        }
        // INVARIANT: `dma_pool_create()` gave it just now.
        Ok(Self {
            pool: DmaPoolRef {
                pool,
                dma,
                _blocks: PhantomData,
            },
        })
    }

    /// A address that lives as long as the binding, for which the pool stays.
    #[inline(always)]
    pub fn share(self) -> DmaPoolRef<'bound, T> {
        self.pool
    }

    /// A block of zeroes, wraps `dma_pool_zalloc()`.
    ///
    /// # Errors
    ///
    /// There is none free, and no memory that the device reaches for more.
    #[inline]
    pub fn zeroed<G>(&self, grant: G) -> Result<DmaBlock<'_, T>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDmaPool>,
    {
        self.pool.zeroed(grant)
    }

    /// A block with `value`, wraps `dma_pool_alloc()`.
    ///
    /// # Errors
    ///
    /// As [`DmaPool::zeroed`], with the value.
    #[inline]
    pub fn alloc<G>(
        &self,
        grant: G,
        value: T,
    ) -> Result<DmaBlock<'_, T>, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForDmaPool>,
    {
        self.pool.alloc(grant, value)
    }

    /// Gives the memory back at once, wraps `dma_pool_destroy()`. Where a block was dropped that the
    /// device may use, the pool stays until the end of the binding.
    ///
    /// As [`DmaPool::new`] it takes a lock under which the kernel allocates memory and so may call into
    /// file systems.
    ///
    /// Blocks that were forgotten (`mem::forget`) keep their memory, and the log says so.
    #[inline]
    pub fn destroy(self, _cx: &impl MayFs) {
        // SAFETY: By the invariant it lives and is of this device. No block borrows it, so those that are
        // in use are in the list of what is kept, or forgotten. The caller may sleep.
        unsafe { kalloc_helper_dma_pool_destroy(self.pool.dma.as_raw(), self.pool.pool.as_ptr()) }
    }

    /// The device that it is for.
    #[inline(always)]
    pub fn dma(&self) -> DmaDevice<'bound> {
        self.pool.dma
    }
}

impl<T> fmt::Debug for DmaPool<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DmaPool")
    }
}

/// A [`DmaPool`] for as long as `'a`: what [`DmaPool::share`] gives.
///
/// # Invariants
///
/// It is the pool of a `DmaPool<T>`, which lives for all of `'a`.
pub struct DmaPoolRef<'a, T> {
    pool: NonNull<dma_pool>,
    dma: DmaDevice<'a>,
    _blocks: PhantomData<&'a T>,
}

impl<T> Clone for DmaPoolRef<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for DmaPoolRef<'_, T> {}

// SAFETY: A pool has a lock, and may be used from every thread.
unsafe impl<T> Send for DmaPoolRef<'_, T> {}
// SAFETY: As above.
unsafe impl<T> Sync for DmaPoolRef<'_, T> {}

impl<'a, T: FromBytes + IntoBytes> DmaPoolRef<'a, T> {
    /// As [`DmaPool::zeroed`].
    ///
    /// # Errors
    ///
    /// As [`DmaPool::zeroed`].
    #[inline]
    pub fn zeroed<G>(self, grant: G) -> Result<DmaBlock<'a, T>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDmaPool>,
    {
        self.get(grant, KALLOC_CONST___GFP_ZERO)
    }

    /// As [`DmaPool::alloc`].
    ///
    /// # Errors
    ///
    /// As [`DmaPool::alloc`].
    #[inline]
    pub fn alloc<G>(
        self,
        grant: G,
        value: T,
    ) -> Result<DmaBlock<'a, T>, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForDmaPool>,
    {
        match self.get(grant, 0) {
            Ok(block) => {
                // SAFETY: The block is ours, of a `T`, and the device does not know of it.
                unsafe { block.cpu.write(value) };
                Ok(block)
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// Wraps `dma_pool_alloc()`.
    #[inline(always)]
    fn get<G>(
        self,
        _grant: G,
        flags: bindings::gfp_t,
    ) -> Result<DmaBlock<'a, T>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDmaPool>,
    {
        const { assert!(!G::ON_NODE, "DMA memory comes from the node of the device") };
        let mut address = 0;
        // SAFETY: By the invariant the pool lives, and the flags are legal in this context.
        let memory = unsafe {
            dma_pool_alloc(
                self.pool.as_ptr(),
                <G::Flags as Gfp>::BITS | flags,
                &mut address,
            )
        };
        match NonNull::new(memory) {
            // INVARIANT: What `dma_pool_alloc()` gave; plain bytes are a `T`, whatever they are.
            Some(memory) => Ok(DmaBlock {
                cpu: memory.cast(),
                address,
                told: AtomicBool::new(false),
                pool: self,
            }),
            None => Err(G::Flags::failed()),
        }
    }
}

impl<T> fmt::Debug for DmaPoolRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DmaPoolRef")
    }
}

/// A `T` in a block of a [`DmaPool`], for CPU and device: read and written as
/// [`Coherent`](super::Coherent) is.
///
/// # Contexts
///
/// Allocated in every context in which the allocators work. [`free`](DmaBlock::free)d and dropped where
/// a `spinlock_t` may be taken (`dma_pool_free()` does): not in an NMI handler, and not in
/// [`RawCx`](crate::context::RawCx) on `PREEMPT_RT`.
///
/// # Drop
///
/// As of [`Coherent`](super::Coherent): a block whose address was read may be in use by the device,
/// and is kept until the end of the binding. [`free`](DmaBlock::free) gives it back to the pool.
///
/// # Invariants
///
/// `cpu` and `address` are a block of `pool` that this owns.
pub struct DmaBlock<'a, T> {
    cpu: NonNull<T>,
    address: DmaAddress,
    /// Whether somebody has read the address.
    told: AtomicBool,
    pool: DmaPoolRef<'a, T>,
}

// SAFETY: It owns the `T`, and may be freed on another thread.
unsafe impl<T: Send> Send for DmaBlock<'_, T> {}
// SAFETY: A shared one gives no more than volatile access to plain bytes.
unsafe impl<T: Sync> Sync for DmaBlock<'_, T> {}

impl<'a, T> DmaBlock<'a, T> {
    /// The address for the device.
    #[inline(always)]
    pub fn dma_address(&self) -> DmaAddress {
        self.told.store(true, Relaxed);
        self.address
    }

    /// The whole of it, for code that wants a view.
    #[inline(always)]
    pub fn view(&self) -> CoherentView<'_, T> {
        // SAFETY: By the invariant, for as long as this is borrowed.
        unsafe { CoherentView::new(self.cpu.as_ptr(), self.address, &self.told) }
    }

    /// Says that the device was not told the address, or forgets it: a drop frees the block. It is
    /// trusted as the addresses are that a driver writes into registers.
    #[inline]
    pub fn not_told(self) -> Self {
        self.told.store(false, Relaxed);
        self
    }

    /// Gives the block back to the pool, wraps `dma_pool_free()`.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the block where its address was read, and `quiesce` does not say that its device is
    /// idle or is of another device.
    #[inline]
    pub fn free(self, quiesce: &mut impl Quiesce) -> Result<(), Busy<Self>> {
        if self.told.load(Relaxed) {
            let range = MappedRange {
                dev: self.pool.dma.device(),
                address: self.address,
                size: size_of::<T>(),
            };
            if let Err(error) = ask(quiesce, range) {
                return Err(Busy {
                    memory: self,
                    error,
                });
            }
        }
        ManuallyDrop::new(self).give_back();
        Ok(())
    }

    /// Gives the block back, which is not used again. The device does not use it.
    #[inline(always)]
    fn give_back(&mut self) {
        if deferred_free::must_leak("a block of a DMA pool") {
            return;
        }
        // SAFETY: By the invariant it is a block of this pool, which is not used again.
        unsafe {
            dma_pool_free(
                self.pool.pool.as_ptr(),
                self.cpu.as_ptr().cast(),
                self.address,
            )
        }
    }
}

impl<T> Drop for DmaBlock<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if *self.told.get_mut() {
            let kept = kalloc_dma_kept {
                mapping: kalloc_dma_mapping_KALLOC_DMA_BLOCK,
                cpu: self.cpu.as_ptr().cast(),
                pool: self.pool.pool.as_ptr(),
                ..keep::entry(self.pool.dma.device(), self.address, size_of::<T>())
            };
            // SAFETY: The block is owned, and not used again.
            return unsafe { keep::keep(kept) };
        }
        self.give_back();
    }
}

impl<T> fmt::Debug for DmaBlock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl<'a, T> IoBase<'a> for &'a DmaBlock<'_, T> {
    type Backend = CoherentBackend;
    type Target = T;

    #[inline(always)]
    fn as_view(self) -> CoherentView<'a, T> {
        self.view()
    }
}
