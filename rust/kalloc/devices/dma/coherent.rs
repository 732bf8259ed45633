// SPDX-License-Identifier: GPL-2.0

//! [`Coherent`]: memory that CPU and device see at once.

mod view;

pub use view::{
    CoherentBackend,
    CoherentView, //
};

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
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::ForCoherent,
        properties::MayFail, //
    },
    memory::page::MAX_ORDER, //
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
    io::IoBase,
    page::PAGE_SIZE,
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    ptr::KnownSize, //
};

/// A `T` or `[T]` in memory that the device reads and writes too.
///
/// The memory is whole pages, aligned to its size in pages, and zero at first.
///
/// The device may change it at any time, so there is no `&T`: the kernel crate's accessors read and
/// write it, each a volatile access of one number ([`io_read!`], [`io_write!`]) or a copy of more
/// ([`Io::copy_read`], [`Io::copy_write`]), and [`io_project!`] gives a part of it, which knows its
/// own [`dma_address`](CoherentView::dma_address). `T` is of plain bytes: `#[derive(FromBytes,
/// IntoBytes)]`.
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
/// # Contexts
///
/// Allocated in every context in which the allocators work, with the flags of it. Dropped
/// everywhere, NMI handlers included.
///
/// # Drop
///
/// Memory whose address nobody has read is unknown to the device. A drop frees it:
/// `dma_free_attrs()` may sleep, so where that is not allowed a work item calls it soon after, and the
/// end of the binding waits for it.
///
/// Once the address was read ([`dma_address`](Coherent::dma_address), of the memory or of a part), the
/// device may be using the memory, so a drop keeps it until the device is unbound. There kalloc turns
/// off bus mastering, or asks what the driver gave to
/// [`BoundScope::quiesce`](crate::driver::BoundScope::quiesce), and frees it. A driver's data that is dropped
/// at unbind is so freed then. [`Coherent::free`] frees earlier, with evidence.
///
/// # Invariants
///
/// `cpu` and `dma` are what `dma_alloc_attrs()` gave for `size(cpu)` bytes and the attributes `A`,
/// initialised, and are owned by this.
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
    /// Whether somebody has read the address.
    told: AtomicBool,
}

// SAFETY: It owns the `T`, and `dma_free_attrs()` may be called on another thread.
unsafe impl<T: KnownSize + Send + ?Sized, A: Attrs> Send for Coherent<'_, T, A> {}
// SAFETY: A shared one gives no more than volatile access to plain bytes.
unsafe impl<T: KnownSize + Sync + ?Sized, A: Attrs> Sync for Coherent<'_, T, A> {}

/// What is asked of the kernel for `bytes`: room for what a put-off free has to know.
#[inline(always)]
const fn allocated(bytes: usize) -> usize {
    if bytes < KALLOC_CONST_DMA_DEFERRED_SIZE {
        KALLOC_CONST_DMA_DEFERRED_SIZE
    } else {
        bytes
    }
}

/// The flags for so many bytes: more than the page allocator's largest block may come from
/// elsewhere, and that it does not is no reason for a warning.
#[inline(always)]
pub(super) fn flags<F: Gfp>(bytes: usize) -> gfp_t {
    if bytes > PAGE_SIZE << MAX_ORDER {
        F::BITS | KALLOC_CONST___GFP_NOWARN
    } else {
        F::BITS
    }
}

/// What every size and type is asked for.
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
    // SAFETY: The device is bound and its mask is set by the invariant of `DmaDevice`, and the flags are
    // legal in this context, which is what the grant says.
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

/// The bytes of `len` elements: at least one, and no more than there can be.
#[inline(always)]
pub(super) fn bytes<T, F: Gfp>(len: usize) -> Result<usize, AllocFailed<F>> {
    // Rounded up to pages it must not wrap either.
    const MAX: usize = isize::MAX as usize - PAGE_SIZE;
    if len == 0 || len > MAX / size_of::<T>() {
        return Err(F::failed());
    }
    Ok(len * size_of::<T>())
}

impl<'bound, T: FromBytes + IntoBytes, A: Attrs> Coherent<'bound, T, A> {
    /// Moves `value` into new memory, wraps `dma_alloc_attrs()`; [`dma_alloc_coherent()`] where there
    /// are no attributes.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where the device reaches no memory that is free. A type of no size
    /// and a grant [`on`](Grant::on) a node do not compile.
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
                // SAFETY: By the invariant the memory is valid for writes of a `T`, and the device
                // does not know of it.
                unsafe { memory.cpu.write(value) };
                Ok(memory)
            }
            Err(failed) => Err(AllocFailedWith::new(failed, value)),
        }
    }

    /// New memory of zeroes, wraps `dma_alloc_attrs()`, which gives no other.
    ///
    /// # Errors
    ///
    /// As [`Coherent::new`].
    #[inline]
    pub fn zeroed<G>(grant: G, dma: DmaDevice<'bound, A>) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForCoherent>,
    {
        check::<T, G>();
        let (memory, address) = alloc(grant, dma, size_of::<T>())?;
        // INVARIANT: What `dma_alloc_attrs()` gave, which is zero, a `T`.
        Ok(Self {
            dma,
            address,
            cpu: memory.cast(),
            told: AtomicBool::new(false),
        })
    }

    /// Memory of zeroes for as long as the binding, as `dmam_alloc_attrs()` gives it. It is freed at the
    /// end of the binding, as memory that was dropped is.
    ///
    /// What this gives is `Copy`, so addressrs, work items and the driver's data can all have it.
    ///
    /// ```
    /// use kalloc::{dma::{Coherent, CoherentView, DmaDevice}, prelude::*};
    /// use kernel::io::Io;
    ///
    /// struct Handler<'bound> { status: CoherentView<'bound, u32> }
    /// struct State<'bound> { status: CoherentView<'bound, u32>, addressr: Handler<'bound> }
    ///
    /// fn state<'bound>(task: &TaskCx, dma: DmaDevice<'bound>) -> Result<State<'bound>> {
    ///     let status = Coherent::managed(task, dma)?;
    ///     Ok(State { status, addressr: Handler { status } })
    /// }
    ///
    /// impl Handler<'_> {
    ///     fn status(&self) -> u32 { self.status.read_val() }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Coherent::new`], and where there is no memory for the entry about it.
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
    /// `len` elements of zeroes, wraps `dma_alloc_attrs()`.
    ///
    /// # Errors
    ///
    /// As [`Coherent::new`]; and where `len` is 0 or more than can be.
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
        // INVARIANT: What `dma_alloc_attrs()` gave, which is zero, a `T` in each place.
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
        // SAFETY: The memory is new, of as many elements, and the device does not know of it.
        unsafe {
            ptr::copy_nonoverlapping(values.as_ptr(), memory.cpu.as_ptr().cast(), values.len())
        };
        Ok(memory)
    }

    /// As [`Coherent::managed`], of `len` elements.
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

/// Has the end of the binding free the memory.
fn manage<'bound, G: Grant, T: KnownSize + ?Sized, A: Attrs>(
    memory: Coherent<'bound, T, A>,
) -> Result<CoherentView<'bound, T>, AllocFailed<G::Flags>> {
    // SAFETY: The entry is of memory that is owned, and given away where this succeeds. The flags are
    // legal in this context, as the caller's grant says, and kmalloc takes them: `ForCoherent` has no
    // zone and no `__GFP_COMP`.
    let entry = unsafe { kalloc_helper_dma_manage(&memory.entry(), G::Flags::BITS) };
    let Some(entry) = NonNull::new(entry) else {
        return Err(G::Flags::failed());
    };
    let memory = ManuallyDrop::new(memory);
    // SAFETY: The entry stays where it is until the end of the binding, when all of `'bound` is over.
    // The field is a `bool`, which Rust uses by this atomic alone, and C reads only after.
    let told = unsafe { AtomicBool::from_ptr(&raw mut (*entry.as_ptr()).told) };
    // SAFETY: The memory is there until the end of the binding, when the driver's data is dropped
    // already.
    Ok(unsafe { CoherentView::new(memory.cpu.as_ptr(), memory.address, told) })
}

impl<'bound, T: KnownSize + ?Sized, A: Attrs> Coherent<'bound, T, A> {
    /// The address for the device: what `dma_alloc_attrs()` gives as `dma_handle`.
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

    /// What was asked of the kernel.
    #[inline(always)]
    fn allocated(&self) -> usize {
        allocated(T::size(self.cpu.as_ptr()))
    }

    /// What has to be freed.
    fn entry(&self) -> kalloc_dma_kept {
        kalloc_dma_kept {
            mapping: kalloc_dma_mapping_KALLOC_DMA_COHERENT,
            attrs: A::BITS,
            cpu: self.cpu.as_ptr().cast(),
            ..keep::entry(self.dma.device(), self.address, self.allocated())
        }
    }

    /// Says that the device was not told the address, or forgets it: a drop frees the memory. It is
    /// trusted as the addresses are that a driver writes into registers.
    #[inline]
    pub fn not_told(self) -> Self {
        self.told.store(false, Relaxed);
        self
    }

    /// Frees the memory at once, wraps `dma_free_attrs()`.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the memory where its address was read, and `quiesce` does not say that its device
    /// is idle or is of another device.
    #[inline]
    pub fn free(self, _cx: &impl MaySleep, quiesce: &mut impl Quiesce) -> Result<(), Busy<Self>> {
        let range = MappedRange {
            dev: self.dma.device(),
            address: self.address,
            size: T::size(self.cpu.as_ptr()),
        };
        if self.told.load(Relaxed) {
            if let Err(error) = ask(quiesce, range) {
                return Err(Busy {
                    memory: self,
                    error,
                });
            }
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: By the invariant it is what `dma_alloc_attrs()` gave, with these attributes; the
        // device does not use it, and the caller may sleep.
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
            // SAFETY: The entry says how `dma_alloc_attrs()` allocated the memory, which is not used again.
            return unsafe { keep::keep(self.entry()) };
        }
        // SAFETY: By the invariant it is what `dma_alloc_attrs()` gave, with these attributes, and
        // has room for what a put-off free has to know, which the device does not write to: it does
        // not know the address.
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
