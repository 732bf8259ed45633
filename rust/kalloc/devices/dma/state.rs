// SPDX-License-Identifier: GPL-2.0

//! Whose turn it is with DMA memory, in which direction data goes, and how a driver knows that its
//! device is idle.

use super::{
    DmaAddress,
    DmaDevice, //
};
use crate::ground::sealed::Sealed;
use core::fmt;
#[cfg(CONFIG_DMA_NEED_SYNC)]
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
            const RAW: dma_data_direction = dma_data_direction::$raw;
        }
    )*};
}

/// In which direction data goes: [`ToDevice`], [`FromDevice`] or [`Bidirectional`].
pub trait Direction: Sealed + 'static {
    /// C's value of it.
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
    message = "the CPU does not read what is for the device: `{Self}`",
    label = "a buffer that only the device reads",
    note = "`write`, `fill` and `copy_from_slice` write it; a buffer that the CPU reads too is `FromDevice` or `Bidirectional`"
)]
pub trait CpuReads: Direction {}
impl CpuReads for FromDevice {}
impl CpuReads for Bidirectional {}

/// Directions in which the CPU writes what the device reads.
#[diagnostic::on_unimplemented(
    message = "the CPU does not write what comes from the device: `{Self}`",
    label = "a buffer that only the device writes",
    note = "a buffer that the CPU writes is `ToDevice` or `Bidirectional`"
)]
pub trait CpuWrites: Direction {}
impl CpuWrites for ToDevice {}
impl CpuWrites for Bidirectional {}

/// Whose turn it is with memory that is handed over: [`CpuOwned`], [`Mapped`] or [`DeviceOwned`].
///
/// ```text
///   map() ──────────────► Mapped ── give(), into_device() ──► DeviceOwned
///                          │  ▲                                   │
///          sync_for_cpu()  │  │ sync_for_device()                 │ sync_for_cpu(quiesce)
///                          ▼  │                                   │
///                        CpuOwned ◄───────────────────────────────┘
/// ```
pub trait State: Sealed + 'static {
    /// Whether the device may use it.
    #[doc(hidden)]
    const DEVICE: bool;
}

/// The CPU has the memory. There is no address, so the device cannot be told.
#[derive(Clone, Copy, Debug)]
pub struct CpuOwned;

/// The memory is mapped and synchronised, and the device has not been told: it can be given, and
/// dropping unmaps it.
#[derive(Clone, Copy, Debug)]
pub struct Mapped;

/// The device may read and write the memory, and the CPU cannot reach it.
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
    /// Whether synchronising does anything: `dma_dev_need_sync()`, which C has inline.
    #[cfg(CONFIG_DMA_NEED_SYNC)]
    #[inline(always)]
    fn needs_sync(self) -> bool {
        const SKIP: c_ulong = 1 << bindings::struct_device_flags_DEV_FLAG_DMA_SKIP_SYNC;
        // SAFETY: The device is bound. Others change its flags meanwhile, so this is as `test_bit()`.
        let flags = unsafe { (&raw const (*self.as_raw()).flags[0]).read_volatile() };
        cfg!(CONFIG_DMA_API_DEBUG) || flags & SKIP == 0
    }

    /// Wraps `dma_sync_single_for_cpu()`.
    ///
    /// # Safety
    ///
    /// Memory of that size is mapped there in this direction, and the device does not use it.
    #[inline(always)]
    pub(super) unsafe fn sync_for_cpu<D: Direction>(self, address: DmaAddress, size: usize) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        if self.needs_sync() {
            // SAFETY: By the contract of this function.
            unsafe { bindings::__dma_sync_single_for_cpu(self.as_raw(), address, size, D::RAW) }
        }
        #[cfg(not(CONFIG_DMA_NEED_SYNC))]
        let _ = (address, size);
    }

    /// Wraps `dma_sync_single_for_device()`.
    ///
    /// # Safety
    ///
    /// Memory of that size is mapped there in this direction.
    #[inline(always)]
    pub(super) unsafe fn sync_for_device<D: Direction>(self, address: DmaAddress, size: usize) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        if self.needs_sync() {
            // SAFETY: By the contract of this function.
            unsafe { bindings::__dma_sync_single_for_device(self.as_raw(), address, size, D::RAW) }
        }
        #[cfg(not(CONFIG_DMA_NEED_SYNC))]
        let _ = (address, size);
    }
}

/// Memory that a device may use: what [`Quiesce::is_idle`] is asked about.
#[derive(Clone, Copy)]
pub struct MappedRange<'a> {
    pub(super) dev: &'a Device<Bound>,
    pub(super) address: DmaAddress,
    pub(super) size: usize,
}

impl<'a> MappedRange<'a> {
    /// All memory of the device: what is asked about at the end of the binding.
    pub(super) fn all(dev: &'a Device<Bound>) -> Self {
        Self {
            dev,
            address: 0,
            size: usize::MAX,
        }
    }

    /// The device that it is mapped for.
    pub fn device(&self) -> &'a Device<Bound> {
        self.dev
    }

    /// The address that the device knows; of the first part, where there are more.
    pub fn dma_address(&self) -> DmaAddress {
        self.address
    }

    /// The bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether it is all memory of the device ([`BoundScope::quiesce`](crate::driver::BoundScope::quiesce)).
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

/// What moves data for a driver and knows when it is idle: the evidence that the CPU may have memory
/// back.
///
/// A driver implements it for its device, for a channel of it, or for a slot of a ring, and asks the
/// hardware: a status register, a descriptor that the device hands back. It names its device, and
/// kalloc compares: evidence of another device is an error.
///
/// kalloc cannot see what the device does. A driver's safe code writes addresses into registers, and
/// can write wrong ones there; so what it says here of its own device is trusted as these addresses
/// are. It says it once, and not at each buffer.
///
/// The value is borrowed exclusively while memory comes back, so where starting the device takes
/// `&mut` too, nobody starts it meanwhile.
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
    message = "nothing in `{Self}` says that a device is idle",
    label = "a `Quiesce` is expected here",
    note = "implement `Quiesce` for what the driver asks its device by; memory that is dropped instead is kept until the device \
            is unbound"
)]
pub trait Quiesce {
    /// The device that it speaks of.
    fn device(&self) -> &Device<Bound>;

    /// Whether the device neither reads nor writes `memory`, and will not before it is told to.
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

/// Asks about memory, and compares the device.
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

/// Memory that is not given back, because nothing says that its device is idle. Turns into the
/// error. Dropped, the memory is kept until the device is unbound.
pub struct Busy<M> {
    /// The memory.
    pub memory: M,
    /// `EBUSY` where the device is not idle, `EINVAL` where the evidence is of another device.
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
