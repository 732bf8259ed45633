// SPDX-License-Identifier: GPL-2.0

//! [`Mapping`]: the kinds of memory in a [`DmaBuffer`](super::DmaBuffer).

use super::{
    Direction,
    DmaAddress,
    DmaDevice, //
};
use crate::ground::sealed::Sealed;
use kalloc_bindings::kalloc_dma_kept;
use kernel::{
    bindings::dma_data_direction,
    ffi::c_ulong, //
};

/// The calls for one kind of memory in a [`DmaBuffer`](super::DmaBuffer): [`Single`](super::Single),
/// [`Segmented`](super::Segmented) or [`PagesOf`](super::PagesOf).
///
/// # Safety
///
/// A value owns memory that is mapped for the device and direction that it was made with. `data`
/// points to that memory, plain bytes, which does not move when the value moves. `unmap` ends the
/// mapping. After that the value may be dropped. Unless the kind has functions of its own to
/// synchronise it, the memory is `size` bytes, mapped at `address`.
pub unsafe trait Mapping: Sealed + Sized {
    /// The contents.
    type Data: ?Sized;

    // Three kinds write the same three lines for this: an associated type has no default, and a
    // trait for what has one address would stand between `Mapping` and the kind in messages.
    /// The address for the device, or the address and the size of each segment.
    type Addresses<'a>
    where
        Self: 'a;

    /// A name for the log, if the memory cannot be unmapped in every context on `PREEMPT_RT` and
    /// must be leaked there. `None`, if it can be unmapped everywhere.
    #[doc(hidden)]
    const STAYS: Option<&'static str>;

    /// The addresses for the device.
    #[doc(hidden)]
    fn addresses(&self) -> Self::Addresses<'_>;

    /// The DMA address of the first byte.
    #[doc(hidden)]
    fn address(&self) -> DmaAddress;

    /// The size in bytes.
    #[doc(hidden)]
    fn size(&self) -> usize;

    /// The memory. Makes no reference to it, since the device may be writing it.
    #[doc(hidden)]
    fn data(&self) -> *mut Self::Data;

    /// Synchronises the memory for the CPU.
    ///
    /// # Safety
    ///
    /// It was made for this device and direction. The device does not use it.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn sync_for_cpu<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: Contract of `Mapping`: this size is mapped at `address`. `# Safety`: for this
        // device and direction, and the device does not use it.
        unsafe { dma.sync_for_cpu::<D>(self.address(), self.size()) }
    }

    /// Synchronises the memory for the device.
    ///
    /// # Safety
    ///
    /// It was made for this device and direction.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn sync_for_device<D: Direction>(&self, dma: DmaDevice<'_>) {
        // SAFETY: Contract of `Mapping`: this size is mapped at `address`. `# Safety`: for this
        // device and direction.
        unsafe { dma.sync_for_device::<D>(self.address(), self.size()) }
    }

    /// Unmaps the memory.
    ///
    /// # Safety
    ///
    /// It was made for this device and direction with these attributes, except
    /// `DMA_ATTR_SKIP_CPU_SYNC`. The device does not use it. It is not unmapped again.
    #[doc(hidden)]
    unsafe fn unmap(&mut self, dma: DmaDevice<'_>, dir: dma_data_direction, attrs: c_ulong);

    /// Moves the ownership of the mapping and the memory to `kept`.
    #[doc(hidden)]
    fn into_kept(self, kept: &mut kalloc_dma_kept);
}

/// Mappings with a single DMA address.
pub trait Contiguous: Mapping {}

/// Mappings of a buffer that exists independently of the mapping.
pub trait Unmap: Mapping {
    /// The buffer.
    type Buffer;

    /// The buffer, after `unmap`.
    #[doc(hidden)]
    fn into_buffer(self) -> Self::Buffer;
}
