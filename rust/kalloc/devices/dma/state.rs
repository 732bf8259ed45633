// SPDX-License-Identifier: GPL-2.0

//! Ownership states and directions of DMA memory, and [`Quiesce`], by which a driver reports that
//! its device is idle.

use super::{
    DmaAddress,
    DmaDevice, //
};
use crate::ground::sealed::Sealed;
use core::fmt;
#[cfg(CONFIG_DMA_NEED_SYNC)]
use kalloc_bindings::calls;
use kernel::ffi::c_ulong;
use kernel::{
    bindings::{
        self,
        dma_data_direction, //
    },
    device::{
        Bound,
        Device, //
    },
    error::{
        code::{
            EBUSY,
            EINVAL, //
        },
        Error, //
    },
};

macro_rules! directions {
    ($($(#[$doc:meta])* $name:ident = $raw:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Sealed for $name {}
        impl Direction for $name {
            const RAW: dma_data_direction = calls::enums::$raw;
        }
    )*};
}

/// The direction of a transfer: [`ToDevice`], [`FromDevice`] or [`Bidirectional`].
pub trait Direction: Sealed + 'static {
    /// C's value.
    #[doc(hidden)]
    const RAW: dma_data_direction;
}

directions! {
    /// `DMA_TO_DEVICE`: the CPU writes, the device reads.
    ToDevice = DMA_TO_DEVICE;
    /// `DMA_FROM_DEVICE`: the device writes, the CPU reads.
    FromDevice = DMA_FROM_DEVICE;
    /// `DMA_BIDIRECTIONAL`: both write and read.
    Bidirectional = DMA_BIDIRECTIONAL;
}

/// Directions in which the CPU reads what the device wrote.
#[diagnostic::on_unimplemented(
    message = "the CPU does not read a buffer that is `{Self}`",
    label = "a buffer that only the device reads",
    note = "`write`, `fill` and `copy_from_slice` write it; a buffer that the CPU reads too is `FromDevice` or `Bidirectional`"
)]
pub trait CpuReads: Direction {}
impl CpuReads for FromDevice {}
impl CpuReads for Bidirectional {}

/// Directions in which the CPU writes what the device reads.
#[diagnostic::on_unimplemented(
    message = "the CPU does not write a buffer that is `{Self}`",
    label = "a buffer that only the device writes",
    note = "a buffer that the CPU writes is `ToDevice` or `Bidirectional`"
)]
pub trait CpuWrites: Direction {}
impl CpuWrites for ToDevice {}
impl CpuWrites for Bidirectional {}

/// The owner of the memory of a [`DmaBuffer`](super::DmaBuffer): [`CpuOwned`], [`Mapped`] or
/// [`DeviceOwned`].
///
/// ```text
///   map() ──────────────► Mapped ── give(), into_device() ──► DeviceOwned
///                          │  ▲                                   │
///          sync_for_cpu()  │  │ sync_for_device()                 │ sync_for_cpu(quiesce)
///                          ▼  │                                   │
///                        CpuOwned ◄───────────────────────────────┘
/// ```
pub trait State: Sealed + 'static {
    /// Whether the device may use the memory.
    #[doc(hidden)]
    const DEVICE: bool;
}

/// The CPU owns the memory. The driver cannot get its DMA address.
#[derive(Clone, Copy, Debug)]
pub struct CpuOwned;

/// The memory is mapped and synchronised for the device, but the device does not know its address.
/// It can be given to the device. Dropping it unmaps it.
#[derive(Clone, Copy, Debug)]
pub struct Mapped;

/// The device may read and write the memory. The CPU has no access.
#[derive(Clone, Copy, Debug)]
pub struct DeviceOwned;

impl Sealed for CpuOwned {}
impl State for CpuOwned {
    const DEVICE: bool = false;
}
impl Sealed for Mapped {}
impl State for Mapped {
    const DEVICE: bool = false;
}
impl Sealed for DeviceOwned {}
impl State for DeviceOwned {
    const DEVICE: bool = true;
}

impl<A> DmaDevice<'_, A> {
    /// Whether synchronisation is needed: `dma_dev_need_sync()`, an inline function in C.
    #[cfg(CONFIG_DMA_NEED_SYNC)]
    #[inline(always)]
    fn needs_sync(self) -> bool {
        const SKIP: c_ulong = 1 << bindings::struct_device_flags_DEV_FLAG_DMA_SKIP_SYNC;
        // SAFETY: The device is bound. Its flags may change concurrently, so this is a volatile
        // read, as `test_bit()` does.
        let flags = unsafe { (&raw const (*self.as_raw()).flags[0]).read_volatile() };
        cfg!(CONFIG_DMA_API_DEBUG) || flags & SKIP == 0
    }

    /// Wraps `dma_sync_single_for_cpu()`.
    ///
    /// # Safety
    ///
    /// Memory of that size is mapped at `address` in this direction. The device does not use it.
    #[inline(always)]
    pub(super) unsafe fn sync_for_cpu<D: Direction>(self, address: DmaAddress, size: usize) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        if self.needs_sync() {
            // SAFETY: `# Safety`: mapped at `address`, of this size and direction, and not in use.
            unsafe { bindings::__dma_sync_single_for_cpu(self.as_raw(), address, size, D::RAW) }
        }
        #[cfg(not(CONFIG_DMA_NEED_SYNC))]
        let _ = (address, size);
    }

    /// Wraps `dma_sync_single_for_device()`.
    ///
    /// # Safety
    ///
    /// Memory of that size is mapped at `address` in this direction.
    #[inline(always)]
    pub(super) unsafe fn sync_for_device<D: Direction>(self, address: DmaAddress, size: usize) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        if self.needs_sync() {
            // SAFETY: `# Safety`: mapped at `address`, of this size and direction.
            unsafe { bindings::__dma_sync_single_for_device(self.as_raw(), address, size, D::RAW) }
        }
        #[cfg(not(CONFIG_DMA_NEED_SYNC))]
        let _ = (address, size);
    }
}

/// A range of memory mapped for a device: the argument of [`Quiesce::is_idle`].
#[derive(Clone, Copy)]
pub struct MappedRange<'a> {
    pub(super) dev: &'a Device<Bound>,
    pub(super) address: DmaAddress,
    pub(super) size: usize,
}

impl<'a> MappedRange<'a> {
    /// All memory of the device: the argument when the device is unbound.
    pub(super) fn all(dev: &'a Device<Bound>) -> Self {
        Self {
            dev,
            address: 0,
            size: usize::MAX,
        }
    }

    /// The device that the range is mapped for.
    pub fn device(&self) -> &'a Device<Bound> {
        self.dev
    }

    /// The DMA address, of the first segment if there are several.
    pub fn dma_address(&self) -> DmaAddress {
        self.address
    }

    /// The size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether this is all memory of the device
    /// ([`BoundScope::quiesce`](crate::driver::BoundScope::quiesce)).
    pub fn is_all(&self) -> bool {
        self.size == usize::MAX
    }
}

impl fmt::Debug for MappedRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappedRange")
            .field("address", &self.address)
            .field("size", &self.size)
            .finish()
    }
}

/// The part of a device that transfers data for a driver, and can report that it is idle. With that
/// report the CPU gets memory back.
///
/// A driver implements this for its device, for a channel or for a slot of a ring, and asks the
/// hardware: a status register, a completed descriptor. The implementation names its device. A
/// `Quiesce` of another device is an error.
///
/// kalloc cannot observe the device. Safe code of a driver writes DMA addresses into registers, and
/// may write wrong ones. The report is trusted in the same way: it is written once, not at every
/// buffer.
///
/// The value is borrowed exclusively while memory is returned. If starting the device also takes
/// `&mut`, the device cannot be started meanwhile.
///
/// ```
/// use kalloc::dma::{DmaDevice, MappedRange, Quiesce};
/// use kernel::{device::{Bound, Device}, io::Io, pci};
///
/// struct Channel<'bound> { dma: DmaDevice<'bound>, bar: pci::Bar<'bound, 0x100> }
///
/// impl Quiesce for Channel<'_> {
///     fn device(&self) -> &Device<Bound> {
///         self.dma.device()
///     }
///
///     fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
///         let status: u32 = self.bar.read(0x98);
///         status & 1 == 0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not report whether a device is idle",
    label = "a `Quiesce` is expected here",
    note = "implement `Quiesce` for the type by which the driver asks its device; memory that is dropped instead stays mapped \
            until the device is unbound"
)]
pub trait Quiesce {
    /// The device that it is part of.
    fn device(&self) -> &Device<Bound>;

    /// Whether the device neither reads nor writes `memory`, and will not until it is started
    /// again.
    fn is_idle(&mut self, memory: MappedRange<'_>) -> bool;
}

impl<Q: Quiesce + ?Sized> Quiesce for &mut Q {
    #[inline]
    fn device(&self) -> &Device<Bound> {
        (**self).device()
    }

    #[inline]
    fn is_idle(&mut self, memory: MappedRange<'_>) -> bool {
        (**self).is_idle(memory)
    }
}

/// Checks the device and asks `quiesce` about `memory`.
#[inline(always)]
pub(super) fn ask(quiesce: &mut impl Quiesce, memory: MappedRange<'_>) -> Result<(), Error> {
    if !core::ptr::eq(quiesce.device(), memory.dev) {
        Err(EINVAL)
    } else if !quiesce.is_idle(memory) {
        Err(EBUSY)
    } else {
        Ok(())
    }
}

/// Memory that is not returned, since its device is not known to be idle. Converts to the error.
/// Dropping this keeps the memory until the device is unbound.
pub struct Busy<M> {
    /// The memory.
    pub memory: M,
    /// `EBUSY` if the device is not idle, `EINVAL` if `quiesce` is for another device.
    pub error: Error,
}

impl<M> fmt::Debug for Busy<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Busy").field(&self.error).finish()
    }
}

impl<M> From<Busy<M>> for Error {
    fn from(busy: Busy<M>) -> Self {
        busy.error
    }
}
