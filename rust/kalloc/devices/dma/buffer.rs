// SPDX-License-Identifier: GPL-2.0

//! [`DmaBuffer`]: memory that CPU and device have in turn.

use super::{
    keep,
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
    ground::sealed::Sealed, //
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
use kalloc_bindings::kalloc_dma_kept;
use kernel::{
    bindings::{
        dma_data_direction,
        DMA_ATTR_SKIP_CPU_SYNC, //
    },
    error::Result,
    ffi::c_ulong, //
};

/// The calls for one kind of memory that is handed over: [`Single`](super::Single),
/// [`Segmented`](super::Segmented) or [`PagesOf`](super::PagesOf).
///
/// # Safety
///
/// A value owns memory that is mapped for the device and in the direction with which it was made.
/// `data` is that memory, plain bytes, which stay where they are while the value is moved. `unmap`
/// ends the mapping, and what is left of the value then may be dropped.
pub unsafe trait Mapping: Sealed + Sized {
    /// What is in it.
    type Data: ?Sized;

    /// What the device is told: an address, or the address and the bytes of each segment.
    type Addresses<'a>
    where
        Self: 'a;

    /// What it is, in the log, where it cannot be unmapped on `PREEMPT_RT` and stays; none, where it can
    /// be everywhere.
    #[doc(hidden)]
    const STAYS: Option<&'static str>;

    /// What the device is told.
    #[doc(hidden)]
    fn addresses(&self) -> Self::Addresses<'_>;

    /// The address of the first byte.
    #[doc(hidden)]
    fn address(&self) -> DmaAddress;

    /// The bytes.
    #[doc(hidden)]
    fn size(&self) -> usize;

    /// The memory, without a reference to it: the device may be writing it.
    #[doc(hidden)]
    fn data(&self) -> *mut Self::Data;

    /// Synchronises it for the CPU.
    ///
    /// # Safety
    ///
    /// It was made for this device and direction, and the device does not use it.
    #[doc(hidden)]
    unsafe fn sync_for_cpu<D: Direction>(&self, dma: DmaDevice<'_>);

    /// Synchronises it for the device.
    ///
    /// # Safety
    ///
    /// It was made for this device and direction.
    #[doc(hidden)]
    unsafe fn sync_for_device<D: Direction>(&self, dma: DmaDevice<'_>);

    /// Unmaps it.
    ///
    /// # Safety
    ///
    /// It was made for this device and direction with these attributes, but for
    /// `DMA_ATTR_SKIP_CPU_SYNC`; the device does not use it, and nobody unmaps it again.
    #[doc(hidden)]
    unsafe fn unmap(&mut self, dma: DmaDevice<'_>, dir: dma_data_direction, attrs: c_ulong);

    /// Writes down what has to be unmapped and freed, which nobody else does from here on.
    #[doc(hidden)]
    fn into_kept(self, kept: &mut kalloc_dma_kept);
}

/// Mappings with one address for the device.
pub trait Contiguous: Mapping {}

/// Mappings of a buffer that was there before and is there after.
pub trait Unmap: Mapping {
    /// The buffer.
    type Buffer;

    /// The buffer, which is not mapped any more.
    #[doc(hidden)]
    fn into_buffer(self) -> Self::Buffer;
}

/// Memory of the kind `M`, mapped for a device in the direction `D`, with the attributes `A`. Its
/// state `O` says whose turn it is. [`Streaming`](super::Streaming), [`SgTable`](super::SgTable) and
/// [`Noncoherent`](super::Noncoherent) are names for it.
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
/// # Contexts
///
/// Dropped where the memory itself may be, [`Noncoherent`](super::Noncoherent) everywhere. [`CpuOwned`] and [`Mapped`], it is unmapped and freed.
/// [`DeviceOwned`], it stays mapped and allocated until the device is unbound, because the device may
/// be writing it. There kalloc turns off bus mastering, or asks what the driver gave to
/// [`BoundScope::quiesce`](crate::driver::BoundScope::quiesce), and frees it; what is not known to be idle
/// then is lost, and the log says so. `mem::forget` loses it at once.
///
/// # Invariants
///
/// `memory` was made for this device, direction and attributes. Where `O` is not [`DeviceOwned`] the
/// device does not use it; where it is [`CpuOwned`] it is synchronised for the CPU, otherwise for the
/// device.
// The layout does not depend on the state.
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

// SAFETY: It owns the memory, and may be unmapped on another thread.
unsafe impl<M: Mapping + Send, D: Direction, O: State, A: Attrs> Send
    for DmaBuffer<'_, M, D, O, A>
{
}
// SAFETY: A shared one gives no more than addresses, which do not change, and `&M::Data`, and that
// only where the CPU has it.
unsafe impl<M: Mapping + Sync, D: Direction, O: State, A: Attrs> Sync
    for DmaBuffer<'_, M, D, O, A>
{
}

impl<'bound, M: Mapping, D: Direction, O: State, A: Attrs> DmaBuffer<'bound, M, D, O, A> {
    /// # Safety
    ///
    /// The memory was just made for this device, direction and attributes, and is as the state says.
    #[inline(always)]
    pub(super) unsafe fn new_in(dma: DmaDevice<'bound, A>, memory: M) -> Self {
        // INVARIANT: By the contract of this function.
        Self {
            dma,
            memory: ManuallyDrop::new(memory),
            _state: PhantomData,
        }
    }

    /// The bytes.
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

    /// The same memory in another state.
    #[inline(always)]
    fn into_state<P: State>(self) -> DmaBuffer<'bound, M, D, P, A> {
        let this = ManuallyDrop::new(self);
        DmaBuffer {
            dma: this.dma,
            // SAFETY: The old place is not used again.
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

    /// The memory without the mapping.
    ///
    /// # Safety
    ///
    /// The device does not use it.
    #[inline(always)]
    unsafe fn unmap_raw(self, attrs: c_ulong) -> M {
        let mut this = ManuallyDrop::new(self);
        let dma = this.dma.plain();
        // SAFETY: By the invariant it was made for this; by the contract of this function the device
        // does not use it; and it is given away without the mapping.
        unsafe { this.memory.unmap(dma, D::RAW, A::BITS | attrs) };
        // SAFETY: The old place is not used again.
        unsafe { ManuallyDrop::take(&mut this.memory) }
    }

    /// # Safety
    ///
    /// The device does not use it.
    #[inline(always)]
    unsafe fn cpu_has_it(&self) {
        // SAFETY: By the invariant and the contract of this function.
        unsafe { self.memory.sync_for_cpu::<D>(self.dma.plain()) }
    }

    #[inline(always)]
    fn device_has_it(&self) {
        // SAFETY: By the invariant.
        unsafe { self.memory.sync_for_device::<D>(self.dma.plain()) }
    }
}

const SKIP_SYNC: c_ulong = DMA_ATTR_SKIP_CPU_SYNC as c_ulong;

impl<'bound, M: Mapping, D: Direction, A: Attrs> DmaBuffer<'bound, M, D, Mapped, A> {
    /// Gives the memory to the device. `tell` gets the address, or the segments, and tells the device:
    /// writes it into a register or a descriptor, and rings.
    ///
    /// # Errors
    ///
    /// That of `tell`, which says that the device was not told. The memory is unmapped and freed.
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

    /// Gives the memory to the device, which is told after this: for a table, or a ring with one
    /// doorbell. What is not told after all comes back by [`not_told`](DmaBuffer::not_told).
    #[inline]
    pub fn into_device(self) -> DmaBuffer<'bound, M, D, DeviceOwned, A> {
        // INVARIANT: The device may use it now. It is synchronised for it.
        self.into_state()
    }

    /// Gives the memory to the CPU again, still mapped, wraps `dma_sync_single_for_cpu()` or what
    /// there is for this kind.
    #[inline]
    pub fn sync_for_cpu(self) -> DmaBuffer<'bound, M, D, CpuOwned, A> {
        // SAFETY: By the invariant the device does not use it.
        unsafe { self.cpu_has_it() };
        // INVARIANT: It is synchronised for the CPU.
        self.into_state()
    }

    /// Unmaps the memory, wraps `dma_unmap_…()` with `DMA_ATTR_SKIP_CPU_SYNC`: the device wrote
    /// nothing.
    #[inline]
    pub fn unmap(self) -> M::Buffer
    where
        M: Unmap,
    {
        // SAFETY: By the invariant the device does not use it.
        unsafe { self.unmap_raw(SKIP_SYNC) }.into_buffer()
    }
}

impl<'bound, M: Mapping, D: Direction, A: Attrs> DmaBuffer<'bound, M, D, DeviceOwned, A> {
    /// Says that the device was not told, or forgets what it was told. It is trusted as the addresses
    /// are that a driver writes into registers.
    #[inline]
    pub fn not_told(self) -> DmaBuffer<'bound, M, D, Mapped, A> {
        // INVARIANT: The driver says so. It is synchronised for the device.
        self.into_state()
    }

    /// Gives the memory to the CPU, still mapped, wraps `dma_sync_single_for_cpu()` or what there is
    /// for this kind.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the memory where `quiesce` does not say that its device is idle, or is of another
    /// device.
    #[inline]
    #[allow(clippy::type_complexity)]
    pub fn sync_for_cpu(
        self,
        quiesce: &mut impl Quiesce,
    ) -> Result<DmaBuffer<'bound, M, D, CpuOwned, A>, Busy<Self>> {
        if let Err(error) = ask(quiesce, self.range()) {
            return Err(Busy {
                memory: self,
                error,
            });
        }
        // SAFETY: The device does not use it.
        unsafe { self.cpu_has_it() };
        // INVARIANT: It is synchronised for the CPU.
        Ok(self.into_state())
    }

    /// Unmaps the memory for good, wraps `dma_unmap_single()` or what there is for this kind. What the
    /// device wrote is in it.
    ///
    /// # Errors
    ///
    /// As [`sync_for_cpu`](DmaBuffer::sync_for_cpu).
    #[inline]
    pub fn unmap(self, quiesce: &mut impl Quiesce) -> Result<M::Buffer, Busy<Self>>
    where
        M: Unmap,
    {
        if let Err(error) = ask(quiesce, self.range()) {
            return Err(Busy {
                memory: self,
                error,
            });
        }
        // SAFETY: The device does not use it.
        Ok(unsafe { self.unmap_raw(0) }.into_buffer())
    }

    /// Runs `f` with the memory, which is the CPU's meanwhile, and the device's again after: for the
    /// slots of a ring, which stay where they are. Synchronises both ways.
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
    /// `EBUSY` where `quiesce` does not say that its device is idle, `EINVAL` where it is of another
    /// device. `f` does not run then.
    #[inline]
    pub fn with_cpu<R>(
        &mut self,
        quiesce: &mut impl Quiesce,
        f: impl FnOnce(&mut DmaBuffer<'bound, M, D, CpuOwned, A>) -> R,
    ) -> Result<R> {
        ask(quiesce, self.range())?;
        // SAFETY: The device does not use it.
        unsafe { self.cpu_has_it() };
        let this = ptr::from_mut(self).cast::<DmaBuffer<'bound, M, D, CpuOwned, A>>();
        // SAFETY: The layout does not depend on the state, and this is borrowed exclusively. What `f`
        // leaves there is in the CPU's state too, of this type.
        // INVARIANT: It is synchronised for the CPU until `f` returns, and for the device below.
        let result = f(unsafe { &mut *this });
        self.device_has_it();
        Ok(result)
    }
}

impl<M: Contiguous, D: Direction, A: Attrs> DmaBuffer<'_, M, D, DeviceOwned, A> {
    /// The address for the device. It is good as long as the memory is mapped.
    #[inline(always)]
    pub fn dma_address(&self) -> DmaAddress {
        self.memory.address()
    }
}

impl<'bound, M: Mapping, D: Direction, A: Attrs> DmaBuffer<'bound, M, D, CpuOwned, A> {
    /// Synchronises the memory for the device, which is not told yet: wraps
    /// `dma_sync_single_for_device()` or what there is for this kind.
    #[inline]
    pub fn sync_for_device(self) -> DmaBuffer<'bound, M, D, Mapped, A> {
        self.device_has_it();
        // INVARIANT: It is synchronised for the device, which does not use it.
        self.into_state()
    }

    /// Unmaps the memory, wraps `dma_unmap_…()` with `DMA_ATTR_SKIP_CPU_SYNC`: the CPU has had it, and
    /// what it wrote since is not to be overwritten.
    #[inline]
    pub fn unmap(self) -> M::Buffer
    where
        M: Unmap,
    {
        // SAFETY: By the invariant the device does not use it.
        unsafe { self.unmap_raw(SKIP_SYNC) }.into_buffer()
    }

    #[inline(always)]
    fn data(&self) -> &M::Data {
        // SAFETY: The CPU has the memory, which this owns.
        unsafe { &*self.memory.data() }
    }

    #[inline(always)]
    fn data_mut(&mut self) -> &mut M::Data {
        // SAFETY: The CPU has the memory, which this owns, and this is borrowed exclusively.
        unsafe { &mut *self.memory.data() }
    }

    // The bound is each method's, for the sake of the message.

    /// Writes all of it.
    #[inline]
    pub fn write(&mut self, value: M::Data)
    where
        D: CpuWrites,
        M::Data: Sized,
    {
        *self.data_mut() = value;
    }

    /// Copies `values` to the elements from `at` on.
    ///
    /// # Errors
    ///
    /// The values, where there are not so many elements.
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
            // SAFETY: It is not used again.
            let memory = unsafe { ManuallyDrop::take(&mut self.memory) };
            return keep::mapping(memory, self.dma.device(), D::RAW, A::BITS);
        }
        if M::STAYS.is_some_and(deferred_free::must_leak) {
            return;
        }
        let dma = self.dma.plain();
        // SAFETY: By the invariant it was made for this and the device does not use it.
        unsafe { self.memory.unmap(dma, D::RAW, A::BITS | SKIP_SYNC) };
        // SAFETY: It is not used again.
        unsafe { ManuallyDrop::drop(&mut self.memory) };
    }
}

/// Prints the address where there is one: who reads it can tell the device, and a drop would free the
/// memory in the other states.
impl<M: Mapping, D: Direction, O: State, A: Attrs> fmt::Debug for DmaBuffer<'_, M, D, O, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = f.debug_struct("DmaBuffer");
        if O::DEVICE {
            buffer.field("address", &self.memory.address());
        }
        buffer.field("size", &self.size()).finish()
    }
}

/// Elements in a row, for those that the CPU only writes.
pub trait Elements {
    /// The elements.
    type Element: Copy;

    /// Copies `values` to the elements from `at` on. Whether there are so many.
    #[doc(hidden)]
    fn put(&mut self, at: usize, values: &[Self::Element]) -> bool;

    /// Writes `value` to each.
    #[doc(hidden)]
    fn put_everywhere(&mut self, value: Self::Element);
}

impl<T: Copy> Elements for [T] {
    type Element = T;

    #[inline(always)]
    fn put(&mut self, at: usize, values: &[T]) -> bool {
        match at
            .checked_add(values.len())
            .and_then(|end| self.get_mut(at..end))
        {
            Some(place) => {
                place.copy_from_slice(values);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn put_everywhere(&mut self, value: T) {
        self.fill(value);
    }
}

impl<T: Copy, const N: usize> Elements for [T; N] {
    type Element = T;

    #[inline(always)]
    fn put(&mut self, at: usize, values: &[T]) -> bool {
        self.as_mut_slice().put(at, values)
    }

    #[inline(always)]
    fn put_everywhere(&mut self, value: T) {
        self.fill(value);
    }
}
