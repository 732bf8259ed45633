// SPDX-License-Identifier: GPL-2.0

//! [`DmaBuffer`]: memory that CPU and device own in turn.

use super::{
    elements::Elements,
    keep,
    mapping::{
        Contiguous,
        Mapping,
        Unmap, //
    },
    state::ask,
    Attrs,
    Busy,
    CpuOwned,
    CpuReads,
    CpuWrites,
    DeviceOwned,
    Direction,
    DmaAddress,
    DmaDevice,
    Mapped,
    MappedRange,
    NoAttrs,
    Quiesce,
    State, //
};
use crate::{
    alloc::deferred_free,
    contexts::traits::MayAlloc, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr, //
};
use kernel::{
    bindings::DMA_ATTR_SKIP_CPU_SYNC,
    error::Result,
    ffi::c_ulong, //
};

/// Memory of the kind `M`, mapped for a device in the direction `D` with the attributes `A`. The
/// state `O` is its owner. [`Streaming`](super::Streaming), [`SgTable`](super::SgTable) and
/// [`Noncoherent`](super::Noncoherent) are aliases.
///
/// | from | by | to | C |
/// | --- | --- | --- | --- |
/// | | `map` | [`Mapped`] | `dma_map_single()`, `dma_map_sgtable()` |
/// | [`Mapped`] | [`give`](DmaBuffer::give), [`into_device`](DmaBuffer::into_device) | [`DeviceOwned`] | |
/// | [`DeviceOwned`] | `sync_for_cpu(quiesce)` | [`CpuOwned`] | `dma_sync_…_for_cpu()` |
/// | [`DeviceOwned`] | `unmap(quiesce)` | the buffer | `dma_unmap_…()` |
/// | [`DeviceOwned`] | [`with_cpu`](DmaBuffer::with_cpu) | the same, after the closure | both `dma_sync_…()` |
/// | [`DeviceOwned`] | [`not_told`](DmaBuffer::not_told) | [`Mapped`] | |
/// | [`Mapped`] | `sync_for_cpu()` | [`CpuOwned`] | `dma_sync_…_for_cpu()` |
/// | [`CpuOwned`] | `sync_for_device()` | [`Mapped`] | `dma_sync_…_for_device()` |
/// | [`CpuOwned`], [`Mapped`] | `unmap()` | the buffer | `dma_unmap_…()`, `DMA_ATTR_SKIP_CPU_SYNC` |
///
/// # Context
///
/// Dropped in every context in which the memory may be dropped, and
/// [`Noncoherent`](super::Noncoherent) in all.
///
/// # Drop
///
/// [`CpuOwned`] and [`Mapped`] memory is unmapped and freed. [`DeviceOwned`] memory stays mapped
/// and allocated until the device is unbound, since the device may be writing it. Then kalloc turns
/// off bus mastering, or asks the driver's
/// [`BoundScope::quiesce`](crate::driver::BoundScope::quiesce), and frees it. Memory that is not
/// known to be idle is leaked, and the kernel logs that. `mem::forget` leaks the memory at once.
///
/// # Invariants
///
/// `memory` was made for this device, direction and attributes. Unless `O` is [`DeviceOwned`] the
/// device does not use it. If `O` is [`CpuOwned`] it is synchronised for the CPU, otherwise for the
/// device.
// The layout does not depend on the state: `with_cpu` casts between states.
#[repr(C)]
pub struct DmaBuffer<'bound, M, D, O, A = NoAttrs>
where
    M: Mapping,
    D: Direction,
    O: State,
    A: Attrs,
{
    dma: DmaDevice<'bound, A>,
    memory: ManuallyDrop<M>,
    _state: PhantomData<(D, O)>,
}

// SAFETY: It owns the memory, and any thread may unmap it.
unsafe impl<M: Mapping + Send, D: Direction, O: State, A: Attrs> Send
    for DmaBuffer<'_, M, D, O, A>
{
}
// SAFETY: A shared buffer gives addresses, which do not change, and `&M::Data` if the CPU owns it.
unsafe impl<M: Mapping + Sync, D: Direction, O: State, A: Attrs> Sync
    for DmaBuffer<'_, M, D, O, A>
{
}

impl<'bound, M: Mapping, D: Direction, O: State, A: Attrs> DmaBuffer<'bound, M, D, O, A> {
    /// # Safety
    ///
    /// The memory was newly made for this device, direction and attributes. The state `O` is true
    /// of it.
    #[inline(always)]
    pub(super) unsafe fn new_in(dma: DmaDevice<'bound, A>, memory: M) -> Self {
        // INVARIANT: `# Safety`: made for this device, direction and attributes, in the state `O`.
        Self {
            dma,
            memory: ManuallyDrop::new(memory),
            _state: PhantomData,
        }
    }

    /// The size in bytes.
    #[inline(always)]
    pub fn size(&self) -> usize {
        self.memory.size()
    }

    #[inline(always)]
    pub(super) fn memory(&self) -> &M {
        &self.memory
    }

    #[inline(always)]
    pub(super) fn dma(&self) -> DmaDevice<'bound, A> {
        self.dma
    }

    /// Changes the state.
    #[inline(always)]
    fn into_state<P: State>(self) -> DmaBuffer<'bound, M, D, P, A> {
        let this = ManuallyDrop::new(self);
        DmaBuffer {
            dma: this.dma,
            // SAFETY: `this` is not dropped, and its memory is not used again.
            memory: unsafe { ptr::read(&this.memory) },
            _state: PhantomData,
        }
    }

    #[inline(always)]
    fn range(&self) -> MappedRange<'bound> {
        MappedRange {
            dev: self.dma.device(),
            address: self.memory.address(),
            size: self.memory.size(),
        }
    }

    /// Unmaps the memory and returns it.
    ///
    /// # Safety
    ///
    /// The device does not use the memory.
    #[inline(always)]
    unsafe fn unmap_raw(self, attrs: c_ulong) -> M {
        let mut this = ManuallyDrop::new(self);
        let dma = this.dma.plain();
        // SAFETY: Invariant of `DmaBuffer`: made for this device, direction and attributes.
        // `# Safety`: the device does not use it. It is not unmapped again.
        unsafe { this.memory.unmap(dma, D::RAW, A::BITS | attrs) };
        // SAFETY: `this` is not dropped, and its memory is not used again.
        unsafe { ManuallyDrop::take(&mut this.memory) }
    }

    /// Synchronises the memory for the CPU.
    ///
    /// # Safety
    ///
    /// The device does not use the memory.
    #[inline(always)]
    unsafe fn cpu_has_it(&self) {
        // SAFETY: Invariant of `DmaBuffer`: made for this device and direction. `# Safety`: the
        // device does not use it.
        unsafe { self.memory.sync_for_cpu::<D>(self.dma.plain()) }
    }

    #[inline(always)]
    fn device_has_it(&self) {
        // SAFETY: Invariant of `DmaBuffer`: made for this device and direction.
        unsafe { self.memory.sync_for_device::<D>(self.dma.plain()) }
    }
}

const SKIP_SYNC: c_ulong = DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

impl<'bound, M: Mapping, D: Direction, A: Attrs> DmaBuffer<'bound, M, D, Mapped, A> {
    /// Gives the memory to the device. `tell` gets the address, or the segments, and tells the
    /// device: it writes a register or a descriptor and starts the transfer.
    ///
    /// # Errors
    ///
    /// The error of `tell`, if the device was not told. The memory is unmapped and freed.
    ///
    /// ```
    /// use kalloc::{dma::{DeviceOwned, FromDevice, Streaming}, prelude::*};
    /// use kernel::{io::Io, pci::Bar};
    ///
    /// fn start<'bound>(
    ///     buffer: Streaming<'bound, KBox<[u8]>, FromDevice>,
    ///     bar: &Bar<'_, 0xa0>,
    /// ) -> Result<Streaming<'bound, KBox<[u8]>, FromDevice, DeviceOwned>> {
    ///     let (buffer, ()) = buffer.give(|address| {
    ///         // An error here loses nothing,
    ///         let address = u32::try_from(address)?;
    ///         bar.write32(address, 0x88);
    ///         // and after this there is none.
    ///         bar.write32(1, 0x98);
    ///         Ok::<(), Error>(())
    ///     })?;
    ///     Ok(buffer)
    /// }
    /// ```
    #[inline]
    #[allow(clippy::type_complexity)]
    pub fn give<R, E>(
        self,
        tell: impl FnOnce(M::Addresses<'_>) -> Result<R, E>,
    ) -> Result<(DmaBuffer<'bound, M, D, DeviceOwned, A>, R), E> {
        let told = tell(self.memory.addresses())?;
        Ok((self.into_device(), told))
    }

    /// Gives the memory to the device, which the driver tells afterwards: for a table, or a ring
    /// with one doorbell. If the device is not told after all, call
    /// [`not_told`](DmaBuffer::not_told).
    #[inline]
    pub fn into_device(self) -> DmaBuffer<'bound, M, D, DeviceOwned, A> {
        // INVARIANT: `DeviceOwned` allows use by the device. The memory is synchronised for it.
        self.into_state()
    }

    /// Returns the memory to the CPU, still mapped. Wraps `dma_sync_single_for_cpu()` or its
    /// equivalent for this kind.
    #[inline]
    pub fn sync_for_cpu(self) -> DmaBuffer<'bound, M, D, CpuOwned, A> {
        // SAFETY: Invariant of `DmaBuffer`: in the state `Mapped` the device does not use it.
        unsafe { self.cpu_has_it() };
        // INVARIANT: It was synchronised for the CPU above.
        self.into_state()
    }

    /// Unmaps the memory, wraps `dma_unmap_…()` with `DMA_ATTR_SKIP_CPU_SYNC`, since the device
    /// wrote nothing. A bounce buffer and an IOMMU take a `spinlock_t`.
    #[inline]
    pub fn unmap(self, _cx: &impl MayAlloc) -> M::Buffer
    where
        M: Unmap,
    {
        // SAFETY: Invariant of `DmaBuffer`: in the state `Mapped` the device does not use it.
        unsafe { self.unmap_raw(SKIP_SYNC) }.into_buffer()
    }
}

impl<'bound, M: Mapping, D: Direction, A: Attrs> DmaBuffer<'bound, M, D, DeviceOwned, A> {
    /// Asserts that the device was not told the address, or no longer uses it. This is trusted, as are
    /// the addresses that a driver writes into registers.
    #[inline]
    pub fn not_told(self) -> DmaBuffer<'bound, M, D, Mapped, A> {
        // INVARIANT: The driver asserts that the device does not use it. It is synchronised for the
        // device.
        self.into_state()
    }

    /// The memory, if `quiesce` reports that the device does not use it.
    #[inline(always)]
    fn idle(self, quiesce: &mut impl Quiesce) -> Result<Self, Busy<Self>> {
        match ask(quiesce, self.range()) {
            Ok(()) => Ok(self),
            Err(error) => Err(Busy {
                memory: self,
                error,
            }),
        }
    }

    /// Returns the memory to the CPU, still mapped. Wraps `dma_sync_single_for_cpu()` or its
    /// equivalent for this kind.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the memory, if `quiesce` does not report that its device is idle, or is for
    /// another device.
    #[doc(alias("dma_sync_single_for_cpu", "dma_sync_sgtable_for_cpu"))]
    #[inline]
    #[allow(clippy::type_complexity)]
    pub fn sync_for_cpu(
        self,
        quiesce: &mut impl Quiesce,
    ) -> Result<DmaBuffer<'bound, M, D, CpuOwned, A>, Busy<Self>> {
        let idle = self.idle(quiesce)?;
        // SAFETY: `quiesce` reported that the device does not use it.
        unsafe { idle.cpu_has_it() };
        // INVARIANT: It was synchronised for the CPU above.
        Ok(idle.into_state())
    }

    /// Unmaps the memory and returns the buffer, with the data that the device wrote. Wraps
    /// `dma_unmap_single()` or its equivalent for this kind. A bounce buffer and an IOMMU take a
    /// `spinlock_t`.
    ///
    /// # Errors
    ///
    /// As [`sync_for_cpu`](DmaBuffer::sync_for_cpu).
    #[doc(alias("dma_unmap_single", "dma_unmap_page", "dma_unmap_sgtable"))]
    #[doc(alias = "dma_unmap_single_attrs")]
    #[inline]
    pub fn unmap(
        self,
        _cx: &impl MayAlloc,
        quiesce: &mut impl Quiesce,
    ) -> Result<M::Buffer, Busy<Self>>
    where
        M: Unmap,
    {
        let idle = self.idle(quiesce)?;
        // SAFETY: `quiesce` reported that the device does not use it.
        Ok(unsafe { idle.unmap_raw(0) }.into_buffer())
    }

    /// Calls `f` with the memory, which the CPU owns until `f` returns. Then the device owns it
    /// again. For the slots of a ring, which stay in place. Synchronises in both directions.
    ///
    /// ```
    /// use kalloc::{dma::{DeviceOwned, FromDevice, Quiesce, Streaming}, prelude::*};
    ///
    /// type Slot<'bound> = Streaming<'bound, KBox<[u8]>, FromDevice, DeviceOwned>;
    ///
    /// fn first(slots: &mut [Slot<'_>], index: usize, done: &mut impl Quiesce) -> Result<u8> {
    ///     let slot = slots.get_mut(index).ok_or(EINVAL)?;
    ///     slot.with_cpu(done, |data| data[0])
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `EBUSY` if `quiesce` does not report that its device is idle, `EINVAL` if it is for another
    /// device. `f` is not called then.
    #[inline]
    pub fn with_cpu<R>(
        &mut self,
        quiesce: &mut impl Quiesce,
        f: impl FnOnce(&mut DmaBuffer<'bound, M, D, CpuOwned, A>) -> R,
    ) -> Result<R> {
        ask(quiesce, self.range())?;
        // SAFETY: `quiesce` reported that the device does not use it.
        unsafe { self.cpu_has_it() };
        let this = ptr::from_mut(self).cast::<DmaBuffer<'bound, M, D, CpuOwned, A>>();
        // SAFETY: The layout does not depend on the state, and `self` is borrowed exclusively. A
        // value that `f` swaps in has the same type, so the CPU owns it too.
        // INVARIANT: It is synchronised for the CPU until `f` returns, and for the device below.
        let result = f(unsafe { &mut *this });
        self.device_has_it();
        Ok(result)
    }
}

impl<M: Contiguous, D: Direction, A: Attrs> DmaBuffer<'_, M, D, DeviceOwned, A> {
    /// The DMA address, valid while the memory is mapped.
    #[inline(always)]
    pub fn dma_address(&self) -> DmaAddress {
        self.memory.address()
    }
}

impl<'bound, M: Mapping, D: Direction, A: Attrs> DmaBuffer<'bound, M, D, CpuOwned, A> {
    /// Synchronises the memory for the device, which does not know the address yet. Wraps
    /// `dma_sync_single_for_device()` or its equivalent for this kind.
    #[doc(alias("dma_sync_single_for_device", "dma_sync_sgtable_for_device"))]
    #[inline]
    pub fn sync_for_device(self) -> DmaBuffer<'bound, M, D, Mapped, A> {
        self.device_has_it();
        // INVARIANT: It was synchronised for the device, which does not use it.
        self.into_state()
    }

    /// Unmaps the memory, wraps `dma_unmap_…()` with `DMA_ATTR_SKIP_CPU_SYNC`: the CPU owned it,
    /// and its writes must not be overwritten. A bounce buffer and an IOMMU take a `spinlock_t`.
    #[inline]
    pub fn unmap(self, _cx: &impl MayAlloc) -> M::Buffer
    where
        M: Unmap,
    {
        // SAFETY: Invariant of `DmaBuffer`: in the state `CpuOwned` the device does not use it.
        unsafe { self.unmap_raw(SKIP_SYNC) }.into_buffer()
    }

    #[inline(always)]
    fn data(&self) -> &M::Data {
        // SAFETY: The CPU owns the memory, and `self` is borrowed.
        unsafe { &*self.memory.data() }
    }

    #[inline(always)]
    fn data_mut(&mut self) -> &mut M::Data {
        // SAFETY: The CPU owns the memory, and `self` is borrowed exclusively.
        unsafe { &mut *self.memory.data() }
    }

    // The bounds are on the methods, for better error messages.

    /// Writes the whole contents.
    #[inline]
    pub fn write(&mut self, value: M::Data)
    where
        D: CpuWrites,
        M::Data: Sized,
    {
        *self.data_mut() = value;
    }

    /// Copies `values` to the elements from index `at` on.
    ///
    /// # Errors
    ///
    /// The values, if they do not fit.
    #[inline]
    pub fn copy_from_slice<'v>(
        &mut self,
        at: usize,
        values: &'v [<M::Data as Elements>::Element],
    ) -> Result<(), &'v [<M::Data as Elements>::Element]>
    where
        D: CpuWrites,
        M::Data: Elements,
    {
        if self.data_mut().put(at, values) {
            Ok(())
        } else {
            Err(values)
        }
    }

    /// Writes `value` to every element.
    #[inline]
    pub fn fill(&mut self, value: <M::Data as Elements>::Element)
    where
        D: CpuWrites,
        M::Data: Elements,
    {
        self.data_mut().put_everywhere(value);
    }
}

impl<M: Mapping, D: CpuReads, A: Attrs> Deref for DmaBuffer<'_, M, D, CpuOwned, A> {
    type Target = M::Data;
    #[inline(always)]
    fn deref(&self) -> &M::Data {
        self.data()
    }
}

impl<M: Mapping, D: CpuReads + CpuWrites, A: Attrs> DerefMut for DmaBuffer<'_, M, D, CpuOwned, A> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut M::Data {
        self.data_mut()
    }
}

impl<M: Mapping, D: Direction, O: State, A: Attrs> Drop for DmaBuffer<'_, M, D, O, A> {
    #[inline]
    fn drop(&mut self) {
        if O::DEVICE {
            // SAFETY: `memory` is not used again.
            let memory = unsafe { ManuallyDrop::take(&mut self.memory) };
            return keep::mapping(memory, self.dma.device(), D::RAW, A::BITS);
        }
        if M::STAYS.is_some_and(deferred_free::must_leak) {
            return;
        }
        let dma = self.dma.plain();
        // SAFETY: Invariant of `DmaBuffer`: made for this device, direction and attributes. Unless
        // `O` is `DeviceOwned` the device does not use it.
        unsafe { self.memory.unmap(dma, D::RAW, A::BITS | SKIP_SYNC) };
        // SAFETY: `memory` is not used again.
        unsafe { ManuallyDrop::drop(&mut self.memory) };
    }
}

/// Prints the DMA address only if the device owns the memory. In the other states dropping frees
/// the memory, so the driver must not get the address.
impl<M: Mapping, D: Direction, O: State, A: Attrs> fmt::Debug for DmaBuffer<'_, M, D, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = f.debug_struct("DmaBuffer");
        if O::DEVICE {
            buffer.field("address", &self.memory.address());
        }
        buffer.field("size", &self.size()).finish()
    }
}
