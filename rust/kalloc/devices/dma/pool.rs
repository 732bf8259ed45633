// SPDX-License-Identifier: GPL-2.0

//! [`DmaPool`]: `dma_pool_create()`, small blocks of coherent memory.

use super::{
    coherent::CoherentBackend,
    keep,
    state::{
        ask,
        MappedRange, //
    },
    Busy,
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
        allocators::ForDmaPool,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
    },
    series::io::IoBase, //
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

/// A pool of coherent memory in blocks of one `T`, for descriptors. [`Coherent`](super::Coherent)
/// takes a page and more for each.
///
/// A block does not outlive its pool:
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
/// A driver's data stores the pool's [`share`](DmaPool::share) and its blocks, which are valid
/// until the device is unbound then:
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
/// Dropping a pool does nothing, in any context. A pool that is not destroyed earlier is destroyed
/// when the device is unbound.
///
/// # Invariants
///
/// `pool` is from `dma_pool_create()` for blocks of a `T`. It is valid until the device is unbound,
/// or until [`DmaPool::destroy`].
pub struct DmaPool<'bound, T> {
    pool: DmaPoolRef<'bound, T>,
}

impl<'bound, T: FromBytes + IntoBytes> DmaPool<'bound, T> {
    /// A pool of blocks with the alignment of `T`, wraps `dma_pool_create()`.
    ///
    /// `/sys/devices/…/pools` shows the name.
    ///
    /// # Context
    ///
    /// Process context that may sleep, outside memalloc scopes.
    ///
    /// # Errors
    ///
    /// `ENOMEM`. A type without size, or aligned to more than a page, does not compile.
    #[doc(alias = "dma_pool_create")]
    #[inline]
    pub fn new(cx: &impl MayFs, dma: DmaDevice<'bound>, name: &CStr) -> Result<Self> {
        Self::with::<1, 0>(cx, dma, name)
    }

    /// As [`DmaPool::new`], with blocks aligned to `ALIGN` bytes that do not cross a multiple of
    /// `BOUNDARY` bytes. A `BOUNDARY` of 0 is none.
    ///
    /// # Errors
    ///
    /// As [`DmaPool::new`]. An alignment that is no power of two or above a page does not compile,
    /// nor does a boundary that is no power of two or smaller than a block.
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
            // A pool's pages are aligned to pages, and behind an IOMMU not to more.
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
        // SAFETY: The device is bound and its masks are set. `MayFs`: the context may sleep. The
        // kernel copies the name.
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
        // SAFETY: The entry is for an owned pool, whose device is bound. `MayFs`: the context may
        // sleep.
        let entry = unsafe { kalloc_helper_dma_manage(&entry, KALLOC_CONST_GFP_KERNEL) };
        if entry.is_null() {
            // SAFETY: The pool is new and owned, so no block is in use. `MayFs`: the context may
            // sleep.
            unsafe { dma_pool_destroy(pool.as_ptr()) };
            return Err(ENOMEM);
        }
        // INVARIANT: It is from `dma_pool_create()` above.
        Ok(Self {
            pool: DmaPoolRef {
                pool,
                dma,
                _blocks: PhantomData,
            },
        })
    }

    /// A shared handle. The pool is valid until the device is unbound then.
    #[inline(always)]
    pub fn share(self) -> DmaPoolRef<'bound, T> {
        self.pool
    }

    /// A zeroed block, wraps `dma_pool_zalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`], if no block is free and there is no free memory that the device can
    /// address.
    #[doc(alias = "dma_pool_zalloc")]
    #[inline]
    pub fn zeroed<G>(&self, grant: G) -> Result<DmaBlock<'_, T>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDmaPool>,
    {
        self.pool.zeroed(grant)
    }

    /// A block initialised with `value`, wraps `dma_pool_alloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value, as [`DmaPool::zeroed`].
    #[doc(alias = "dma_pool_alloc")]
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

    /// Destroys the pool now, wraps `dma_pool_destroy()`. If a block was dropped that the device
    /// may use, the pool is kept until the device is unbound.
    ///
    /// The memory of forgotten blocks (`mem::forget`) is leaked, and the kernel logs that.
    ///
    /// # Context
    ///
    /// Process context that may sleep, outside memalloc scopes: this takes a lock under which the
    /// kernel allocates memory, and so may call into file systems.
    #[doc(alias = "dma_pool_destroy")]
    #[inline]
    pub fn destroy(self, _cx: &impl MayFs) {
        // SAFETY: Invariant of `DmaPool`: the pool is valid and for this device. No block borrows
        // it, so blocks in use are kept or forgotten. `MayFs`: the context may sleep.
        unsafe { kalloc_helper_dma_pool_destroy(self.pool.dma.as_raw(), self.pool.pool.as_ptr()) }
    }

    /// The device of the pool.
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

/// A [`DmaPool`] for `'a`, made by [`DmaPool::share`].
///
/// # Invariants
///
/// `pool` is that of a `DmaPool<T>`, valid for `'a`.
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

// SAFETY: A lock protects the pool, and any thread may use it.
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
                // SAFETY: The block is owned and has the size of a `T`. The device does not know it
                // yet.
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
        // SAFETY: Invariant of `DmaPoolRef`: the pool is valid. The grant proves that the flags are
        // legal in this context. kmalloc and `dma_alloc_attrs()`, which refill the pool, accept
        // them.
        let memory = unsafe {
            dma_pool_alloc(
                self.pool.as_ptr(),
                <G::Flags as Gfp>::BITS | flags,
                &mut address,
            )
        };
        match NonNull::new(memory) {
            // INVARIANT: From `dma_pool_alloc()`. Any bytes are a valid `T: FromBytes`.
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

/// A `T` in a block of a [`DmaPool`]. Read and written as [`Coherent`](super::Coherent) memory.
///
/// # Context
///
/// Allocated in every context in which the allocators work. [`free`](DmaBlock::free)d and dropped
/// in contexts that may take a `spinlock_t`, as `dma_pool_free()` does: not in an NMI handler, and
/// not in [`RawCx`](crate::context::RawCx) on `PREEMPT_RT`.
///
/// # Drop
///
/// As for [`Coherent`](super::Coherent): a block whose DMA address was read may be in use by the
/// device, and is kept until the device is unbound. [`free`](DmaBlock::free) returns it to the
/// pool.
///
/// # Invariants
///
/// `cpu` and `address` are an owned block of `pool`.
#[doc(alias = "dma_pool_free")]
pub struct DmaBlock<'a, T> {
    cpu: NonNull<T>,
    address: DmaAddress,
    /// Whether the DMA address was read.
    told: AtomicBool,
    pool: DmaPoolRef<'a, T>,
}

// SAFETY: It owns the `T`, and any thread may free it.
unsafe impl<T: Send> Send for DmaBlock<'_, T> {}
// SAFETY: A shared one gives only volatile access to plain bytes.
unsafe impl<T: Sync> Sync for DmaBlock<'_, T> {}

impl<'a, T> DmaBlock<'a, T> {
    /// The DMA address.
    #[inline(always)]
    pub fn dma_address(&self) -> DmaAddress {
        self.told.store(true, Relaxed);
        self.address
    }

    /// A view of the whole block.
    #[inline(always)]
    pub fn view(&self) -> CoherentView<'_, T> {
        // SAFETY: Invariant of `DmaBlock`: the memory is valid while `self` is borrowed, at
        // `address`.
        unsafe { CoherentView::new(self.cpu.as_ptr(), self.address, &self.told) }
    }

    /// Asserts that the device was not told the address, or no longer uses it. A drop frees the block
    /// then. This is trusted, as are the addresses that a driver writes into registers.
    #[inline]
    pub fn not_told(self) -> Self {
        self.told.store(false, Relaxed);
        self
    }

    /// Returns the block to the pool, wraps `dma_pool_free()`.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the block, if its address was read and `quiesce` does not report that its
    /// device is idle, or is for another device.
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

    /// Returns the block to the pool. The device does not use it, and callers do not use it again.
    #[inline(always)]
    fn give_back(&mut self) {
        if deferred_free::must_leak("a block of a DMA pool") {
            return;
        }
        // SAFETY: Invariant of `DmaBlock`: an owned block of this pool. It is not used again.
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
            // SAFETY: The entry is for an owned block, which is not used again.
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
