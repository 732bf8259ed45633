// SPDX-License-Identifier: GPL-2.0

//! [`Coherent`]: memory that CPU and device access concurrently.

mod view;

pub(super) use view::CoherentBackend;
pub use view::CoherentView;

use super::{
    keep,
    state::{
        ask,
        MappedRange, //
    },
    Attrs,
    Busy,
    DmaAddress,
    DmaDevice,
    NoAttrs,
    Quiesce, //
};
use crate::{
    contexts::{
        grant::Grant,
        traits::MaySleep, //
    },
    flags::{
        allocators::ForCoherent,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        properties::MayFail, //
    },
    memory::page::MAX_ORDER,
    series::io::IoBase, //
};
use core::{
    fmt,
    mem::ManuallyDrop,
    ptr::{
        self,
        NonNull, //
    },
    sync::atomic::{
        AtomicBool,
        Ordering::Relaxed, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        gfp_t, //
    },
    page::PAGE_SIZE,
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    ptr::KnownSize, //
};

/// A `T` or `[T]` in coherent memory.
///
/// The memory is whole pages, aligned to its size in pages, and initially zero.
///
/// The device may change it at any time, so there is no `&T`. The kernel crate's accessors read and
/// write it: [`io_read!`] and [`io_write!`] access one number, volatile, and [`Io::copy_read`] and
/// [`Io::copy_write`] copy more. [`io_project!`] gives a part of it with its own
/// [`dma_address`](CoherentView::dma_address). `T` is plain bytes:
/// `#[derive(FromBytes, IntoBytes)]`.
///
/// ```
/// use kalloc::{dma::{dma_wmb, Coherent, DmaDevice}, prelude::*};
/// use kernel::io::{io_project, io_read, io_write, Io};
///
/// #[derive(FromBytes, IntoBytes)]
/// #[repr(C)]
/// struct Command { argument: [u32; 3], valid: u32 }
///
/// fn submit(queue: &Coherent<'_, [Command]>, slot: usize) -> Result<u64> {
///     let command = io_project!(*queue, [try: slot]);
///     io_project!(command, .argument).copy_write([1, 2, 3]);
///     dma_wmb();
///     io_write!(command, .valid, 1);
///     Ok(command.dma_address())
/// }
///
/// fn queue<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<Coherent<'bound, [Command]>> {
///     let queue = Coherent::zeroed_slice(task, dma, 16)?;
///     submit(&queue, 3)?;
///     assert_eq!(io_read!(queue, [panic: 3].valid), 1);
///     Ok(queue)
/// }
/// ```
///
/// # Context
///
/// Allocated in every context in which the allocators work, with the flags of that context. Dropped
/// in every context, including NMI handlers.
///
/// # Drop
///
/// The device cannot know memory whose DMA address was never read, so a drop frees it.
/// `dma_free_attrs()` may sleep. In contexts that may not sleep a work item calls it later, and
/// unbinding the device waits for that.
///
/// After a read of the address ([`dma_address`](Coherent::dma_address), of the memory or of a part)
/// the device may use the memory, so a drop keeps it until the device is unbound. Then kalloc turns
/// off bus mastering, or asks the driver's
/// [`BoundScope::quiesce`](crate::driver::BoundScope::quiesce), and frees the memory. The same
/// holds for a driver's data, dropped at unbind. [`Coherent::free`] frees earlier, with a
/// [`Quiesce`].
///
/// # Invariants
///
/// `cpu` and `address` are from `dma_alloc_attrs()` for the allocated size of `cpu` and the
/// attributes `A`. The memory is initialised and owned.
///
/// [`io_read!`]: kernel::io::io_read
/// [`io_write!`]: kernel::io::io_write
/// [`io_project!`]: kernel::io::io_project
/// [`Io::copy_read`]: kernel::io::Io::copy_read
/// [`Io::copy_write`]: kernel::io::Io::copy_write
pub struct Coherent<'bound, T: KnownSize + ?Sized, A: Attrs = NoAttrs> {
    dma: DmaDevice<'bound, A>,
    address: DmaAddress,
    cpu: NonNull<T>,
    /// Whether the DMA address was read.
    told: AtomicBool,
}

// SAFETY: It owns the `T`, and any thread may call `dma_free_attrs()`.
unsafe impl<T: KnownSize + Send + ?Sized, A: Attrs> Send for Coherent<'_, T, A> {}
// SAFETY: A shared one gives only volatile access to plain bytes.
unsafe impl<T: KnownSize + Sync + ?Sized, A: Attrs> Sync for Coherent<'_, T, A> {}

/// The allocated size for `bytes`: at least the size of an entry for a deferred free.
#[inline(always)]
const fn allocated(bytes: usize) -> usize {
    if bytes < KALLOC_CONST_DMA_DEFERRED_SIZE {
        KALLOC_CONST_DMA_DEFERRED_SIZE
    } else {
        bytes
    }
}

/// The flags for an allocation of `bytes`. Memory above the page allocator's largest block may come
/// from another allocator, so a page allocator failure must not warn.
#[inline(always)]
pub(super) fn flags<F: Gfp>(bytes: usize) -> gfp_t {
    if bytes > PAGE_SIZE << MAX_ORDER {
        F::BITS | KALLOC_CONST___GFP_NOWARN
    } else {
        F::BITS
    }
}

/// Fails the build for a `T` or a grant that DMA memory does not support.
#[inline(always)]
pub(super) const fn check<T, G: Grant>() {
    const {
        assert!(
            size_of::<T>() > 0,
            "a device cannot write to a type of no size"
        );
        assert!(align_of::<T>() <= PAGE_SIZE, "aligned to more than a page");
        assert!(!G::ON_NODE, "DMA memory comes from the node of the device");
    }
}

/// Wraps `dma_alloc_attrs()`.
#[inline(always)]
fn alloc<G: Grant, A: Attrs>(
    _grant: G,
    dma: DmaDevice<'_, A>,
    bytes: usize,
) -> Result<(NonNull<u8>, DmaAddress), AllocFailed<G::Flags>> {
    let mut address = 0;
    // SAFETY: Invariant of `DmaDevice`: the device is bound and its masks are set. The grant proves
    // that the flags are legal in this context. `ForCoherent` has no `__GFP_COMP`, at which
    // `dma_alloc_attrs()` warns.
    let memory = unsafe {
        bindings::dma_alloc_attrs(
            dma.as_raw(),
            allocated(bytes),
            &mut address,
            flags::<G::Flags>(bytes),
            A::BITS,
        )
    };
    match NonNull::new(memory.cast()) {
        Some(memory) => Ok((memory, address)),
        None => Err(G::Flags::failed()),
    }
}

/// The size of `len` elements. An error for 0 elements and for an impossible size.
#[inline(always)]
pub(super) fn bytes<T, F: Gfp>(len: usize) -> Result<usize, AllocFailed<F>> {
    // The size must not overflow when rounded up to pages.
    const MAX: usize = isize::MAX as usize - PAGE_SIZE;
    if len == 0 || len > MAX / size_of::<T>() {
        return Err(F::failed());
    }
    Ok(len * size_of::<T>())
}

impl<'bound, T: FromBytes + IntoBytes, A: Attrs> Coherent<'bound, T, A> {
    /// Moves `value` into new memory, wraps `dma_alloc_attrs()`, without attributes
    /// [`dma_alloc_coherent()`].
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if there is no free memory that the device can address. A type
    /// without size and a grant [`on`](Grant::on) a node do not compile.
    ///
    /// [`dma_alloc_coherent()`]: srctree/include/linux/dma-mapping.h
    #[inline]
    pub fn new<G>(
        grant: G,
        dma: DmaDevice<'bound, A>,
        value: T,
    ) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForCoherent>,
    {
        match Self::zeroed(grant, dma) {
            Ok(memory) => {
                // SAFETY: Invariant of `Coherent`: the memory is valid for writes of a `T`. The
                // device does not know it yet.
                unsafe { memory.cpu.write(value) };
                Ok(memory)
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New zeroed memory, wraps `dma_alloc_attrs()`, which always zeroes.
    ///
    /// # Errors
    ///
    /// As [`Coherent::new`].
    #[doc(alias("dma_alloc_coherent", "dma_alloc_attrs"))]
    #[inline]
    pub fn zeroed<G>(grant: G, dma: DmaDevice<'bound, A>) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForCoherent>,
    {
        check::<T, G>();
        let (memory, address) = alloc(grant, dma, size_of::<T>())?;
        // INVARIANT: From `dma_alloc_attrs()`, which zeroes, and zero is a valid `T: FromBytes`.
        Ok(Self {
            dma,
            address,
            cpu: memory.cast(),
            told: AtomicBool::new(false),
        })
    }

    /// Zeroed memory that is freed when the device is unbound, as of `dmam_alloc_attrs()`. It is
    /// freed in the same way as dropped memory.
    ///
    /// The returned view is `Copy`, so handlers, work items and the driver's data can all have one.
    ///
    /// ```
    /// use kalloc::{dma::{Coherent, CoherentView, DmaDevice}, prelude::*};
    /// use kernel::io::Io;
    ///
    /// struct Handler<'bound> { status: CoherentView<'bound, u32> }
    /// struct State<'bound> { status: CoherentView<'bound, u32>, handler: Handler<'bound> }
    ///
    /// fn state<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<State<'bound>> {
    ///     let status = Coherent::managed(task, dma)?;
    ///     Ok(State { status, handler: Handler { status } })
    /// }
    ///
    /// impl Handler<'_> {
    ///     fn status(&self) -> u32 { self.status.read_val() }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Coherent::new`], and if the allocation of the devres entry fails.
    #[doc(alias("dmam_alloc_coherent", "dmam_alloc_attrs"))]
    #[inline]
    pub fn managed<G>(
        grant: G,
        dma: DmaDevice<'bound, A>,
    ) -> Result<CoherentView<'bound, T>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForCoherent>,
    {
        manage::<G, T, A>(Self::zeroed(grant, dma)?)
    }
}

impl<'bound, T: FromBytes + IntoBytes, A: Attrs> Coherent<'bound, [T], A> {
    /// `len` zeroed elements, wraps `dma_alloc_attrs()`.
    ///
    /// # Errors
    ///
    /// As [`Coherent::new`], and if `len` is 0 or too large.
    #[inline]
    pub fn zeroed_slice<G>(
        grant: G,
        dma: DmaDevice<'bound, A>,
        len: usize,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForCoherent + MayFail>,
    {
        check::<T, G>();
        let (memory, address) = alloc(grant, dma, bytes::<T, G::Flags>(len)?)?;
        let cpu = NonNull::slice_from_raw_parts(memory.cast(), len);
        // INVARIANT: From `dma_alloc_attrs()`, which zeroes, and zero is a valid `T: FromBytes`.
        Ok(Self {
            dma,
            address,
            cpu,
            told: AtomicBool::new(false),
        })
    }

    /// A copy of `values`, wraps `dma_alloc_attrs()`.
    ///
    /// # Errors
    ///
    /// As [`Coherent::zeroed_slice`].
    #[inline]
    pub fn from_slice<G>(
        grant: G,
        dma: DmaDevice<'bound, A>,
        values: &[T],
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Copy,
        G: Grant<Flags: ForCoherent + MayFail>,
    {
        let memory = Self::zeroed_slice(grant, dma, values.len())?;
        // SAFETY: The memory is new and has `values.len()` elements. The device does not know it
        // yet.
        unsafe {
            ptr::copy_nonoverlapping(values.as_ptr(), memory.cpu.as_ptr().cast(), values.len())
        };
        Ok(memory)
    }

    /// As [`Coherent::managed`], with `len` elements.
    ///
    /// # Errors
    ///
    /// As [`Coherent::managed`] and [`Coherent::zeroed_slice`].
    #[inline]
    pub fn managed_slice<G>(
        grant: G,
        dma: DmaDevice<'bound, A>,
        len: usize,
    ) -> Result<CoherentView<'bound, [T]>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForCoherent + MayFail>,
    {
        manage::<G, [T], A>(Self::zeroed_slice(grant, dma, len)?)
    }
}

/// Adds the memory to the list of memory that is freed when the device is unbound.
fn manage<'bound, G: Grant, T: KnownSize + ?Sized, A: Attrs>(
    memory: Coherent<'bound, T, A>,
) -> Result<CoherentView<'bound, T>, AllocFailed<G::Flags>> {
    // SAFETY: The entry is for owned memory, whose ownership moves to the entry on success. The
    // caller's grant proves that the flags are legal in this context. kmalloc accepts them:
    // `ForCoherent` has no zone and no `__GFP_COMP`.
    let entry = unsafe { kalloc_helper_dma_manage(&memory.entry(), G::Flags::BITS) };
    let Some(entry) = NonNull::new(entry) else {
        return Err(G::Flags::failed());
    };
    let memory = ManuallyDrop::new(memory);
    // SAFETY: The entry is valid until the device is unbound, after all of `'bound`. Rust accesses
    // the `bool` only through this atomic, and C reads it only after `'bound`.
    let told = unsafe { AtomicBool::from_ptr(&raw mut (*entry.as_ptr()).told) };
    // SAFETY: The memory is valid until the device is unbound, which is after the drop of the
    // driver's data.
    Ok(unsafe { CoherentView::new(memory.cpu.as_ptr(), memory.address, told) })
}

impl<'bound, T: KnownSize + ?Sized, A: Attrs> Coherent<'bound, T, A> {
    /// The DMA address, the `dma_handle` of `dma_alloc_attrs()`.
    #[inline(always)]
    pub fn dma_address(&self) -> DmaAddress {
        self.told.store(true, Relaxed);
        self.address
    }

    /// A view of all of the memory.
    #[inline(always)]
    pub fn view(&self) -> CoherentView<'_, T> {
        // SAFETY: Invariant of `Coherent`: the memory is valid while `self` is borrowed, at
        // `address`.
        unsafe { CoherentView::new(self.cpu.as_ptr(), self.address, &self.told) }
    }

    /// The allocated size.
    #[inline(always)]
    fn allocated(&self) -> usize {
        allocated(T::size(self.cpu.as_ptr()))
    }

    /// The entry that says how to free the memory.
    fn entry(&self) -> kalloc_dma_kept {
        kalloc_dma_kept {
            mapping: kalloc_dma_mapping_KALLOC_DMA_COHERENT,
            attrs: A::BITS,
            cpu: self.cpu.as_ptr().cast(),
            ..keep::entry(self.dma.device(), self.address, self.allocated())
        }
    }

    /// Asserts that the device was not told the address, or no longer uses it. A drop frees the memory
    /// then. This is trusted, as are the addresses that a driver writes into registers.
    #[inline]
    pub fn not_told(self) -> Self {
        self.told.store(false, Relaxed);
        self
    }

    /// Frees the memory now, wraps `dma_free_attrs()`.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the memory, if its address was read and `quiesce` does not report that its
    /// device is idle, or is for another device.
    #[doc(alias("dma_free_coherent", "dma_free_attrs"))]
    #[inline]
    pub fn free(self, _cx: &impl MaySleep, quiesce: &mut impl Quiesce) -> Result<(), Busy<Self>> {
        let range = MappedRange {
            dev: self.dma.device(),
            address: self.address,
            size: T::size(self.cpu.as_ptr()),
        };
        // `Relaxed`: whoever read the address has given up its borrow, and that ordered the store.
        if self.told.load(Relaxed) {
            if let Err(error) = ask(quiesce, range) {
                return Err(Busy {
                    memory: self,
                    error,
                });
            }
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: Invariant of `Coherent`: from `dma_alloc_attrs()` with these attributes. The
        // device does not use it. `MaySleep`: the context may sleep.
        unsafe {
            bindings::dma_free_attrs(
                this.dma.as_raw(),
                this.allocated(),
                this.cpu.as_ptr().cast(),
                this.address,
                A::BITS,
            )
        };
        Ok(())
    }
}

impl<T: KnownSize + ?Sized, A: Attrs> Drop for Coherent<'_, T, A> {
    #[inline]
    fn drop(&mut self) {
        if *self.told.get_mut() {
            // SAFETY: The entry says how to free the memory, which is owned and not used again.
            return unsafe { keep::keep(self.entry()) };
        }
        // SAFETY: Invariant of `Coherent`: from `dma_alloc_attrs()` with these attributes.
        // `allocated` reserves space for the entry of a deferred free. The device does not
        // overwrite that entry, since it does not know the address.
        unsafe {
            kalloc_helper_dma_free_attrs(
                self.dma.as_raw(),
                self.allocated(),
                self.cpu.as_ptr().cast(),
                self.address,
                A::BITS,
            )
        }
    }
}

impl<T: KnownSize + ?Sized, A: Attrs> fmt::Debug for Coherent<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl<'a, T: KnownSize + ?Sized, A: Attrs> IoBase<'a> for &'a Coherent<'_, T, A> {
    type Backend = CoherentBackend;
    type Target = T;

    #[inline(always)]
    fn as_view(self) -> CoherentView<'a, T> {
        self.view()
    }
}
