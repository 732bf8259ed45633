// SPDX-License-Identifier: GPL-2.0

//! Who may touch DMA memory, in which direction data goes, and how a driver knows that its device
//! is through with it.

use super::{Dma, DmaAddress};
use crate::context::private::Sealed;
use core::fmt;
#[cfg(CONFIG_DMA_NEED_SYNC)]
use kernel::ffi::c_ulong;
use kernel::{
    bindings::{self, dma_data_direction},
    device::{Bound, Device as BoundDevice},
    error::{code::EBUSY, Error},
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

/// Who may touch the memory: [`Cpu`] or [`Device`].
pub trait Owner: Sealed + 'static {
    /// Whether it is the device.
    #[doc(hidden)]
    const DEVICE: bool;
}

/// The CPU has the memory, and the device must not touch it.
#[derive(Clone, Copy, Debug)]
pub struct Cpu;

/// The device has the memory, and the CPU cannot touch it.
#[derive(Clone, Copy, Debug)]
pub struct Device;

impl Sealed for Cpu {}
impl Owner for Cpu {
    const DEVICE: bool = false;
}
impl Sealed for Device {}
impl Owner for Device {
    const DEVICE: bool = true;
}

impl<A> Dma<'_, A> {
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
    /// Memory of that size is mapped there in this direction, and the device is through with it.
    #[inline(always)]
    pub(super) unsafe fn sync_for_cpu<D: Direction>(self, handle: DmaAddress, size: usize) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        if self.needs_sync() {
            // SAFETY: By the contract of this function.
            unsafe { bindings::__dma_sync_single_for_cpu(self.as_raw(), handle, size, D::RAW) }
        }
        #[cfg(not(CONFIG_DMA_NEED_SYNC))]
        let _ = (handle, size);
    }

    /// Wraps `dma_sync_single_for_device()`.
    ///
    /// # Safety
    ///
    /// Memory of that size is mapped there in this direction.
    #[inline(always)]
    pub(super) unsafe fn sync_for_device<D: Direction>(self, handle: DmaAddress, size: usize) {
        #[cfg(CONFIG_DMA_NEED_SYNC)]
        if self.needs_sync() {
            // SAFETY: By the contract of this function.
            unsafe { bindings::__dma_sync_single_for_device(self.as_raw(), handle, size, D::RAW) }
        }
        #[cfg(not(CONFIG_DMA_NEED_SYNC))]
        let _ = (handle, size);
    }
}

/// Memory that a device may have: what [`Engine::is_quiet`] is asked about.
#[derive(Clone, Copy)]
pub struct Range<'a> {
    pub(super) dev: &'a BoundDevice<Bound>,
    pub(super) handle: DmaAddress,
    pub(super) size: usize,
}

impl<'a> Range<'a> {
    /// The device that it is mapped for.
    pub fn device(&self) -> &'a BoundDevice<Bound> {
        self.dev
    }

    /// The address that the device knows; of the first part, where there are more.
    pub fn dma_handle(&self) -> DmaAddress {
        self.handle
    }

    /// The bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}

impl fmt::Debug for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range")
            .field("handle", &self.handle)
            .field("size", &self.size)
            .finish()
    }
}

/// What moves data for a driver, and knows when it is through: the evidence that the CPU may have a
/// buffer back.
///
/// A driver implements it for its device, or for a channel of it, and asks the hardware: a status
/// register, a descriptor that the device hands back. This is the one place at which a driver says
/// what no compiler can know, so it says it here, once, and not at each buffer.
///
/// The engine is borrowed exclusively while a buffer comes back, so where starting it takes `&mut`
/// too, nobody starts it meanwhile.
///
/// ```
/// use kalloc::dma::{Engine, Range};
/// use kernel::{io::Io, pci};
///
/// struct Channel<'bound> { bar: pci::Bar<'bound, 0x100> }
///
/// impl Engine for Channel<'_> {
///     fn is_quiet(&mut self, _memory: Range<'_>) -> bool {
///         let status: u32 = self.bar.read(0x98);
///         status & 1 == 0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "nothing in `{Self}` says that a device is through",
    label = "an `Engine` is expected here",
    note = "implement `Engine` for what the driver asks its device by, or use `BusMasterOff`"
)]
pub trait Engine {
    /// Whether the device neither reads nor writes `memory`, and will not before it is told to.
    fn is_quiet(&mut self, memory: Range<'_>) -> bool;
}

impl<E: Engine + ?Sized> Engine for &mut E {
    #[inline]
    fn is_quiet(&mut self, memory: Range<'_>) -> bool {
        (**self).is_quiet(memory)
    }
}

/// The engine of a PCI device that must not do DMA at all: bus mastering is off. For the way out,
/// when a device does not answer any more.
///
/// ```
/// use kalloc::dma::{BusMasterOff, Device, Streaming, ToDevice};
/// use kalloc::prelude::*;
/// use kernel::{device::Bound, pci};
///
/// fn give_up(
///     pdev: &pci::Device<Bound>,
///     buffer: Streaming<'_, KBox<[u8]>, ToDevice, Device>,
/// ) -> Result<KBox<[u8]>> {
///     Ok(buffer.unmap(&mut BusMasterOff::new(pdev))?)
/// }
/// ```
#[cfg(CONFIG_PCI)]
#[derive(Clone, Copy)]
pub struct BusMasterOff<'a>(&'a kernel::pci::Device<Bound>);

#[cfg(CONFIG_PCI)]
impl<'a> BusMasterOff<'a> {
    /// Turns bus mastering off, wraps `pci_clear_master()`.
    pub fn new(pdev: &'a kernel::pci::Device<Bound>) -> Self {
        let this = Self(pdev);
        // SAFETY: The device is bound.
        unsafe { bindings::pci_clear_master(this.as_raw()) };
        this
    }

    fn as_raw(&self) -> *mut bindings::pci_dev {
        // CAST: `pci::Device` is transparent over `struct pci_dev`.
        core::ptr::from_ref(self.0).cast_mut().cast()
    }
}

#[cfg(CONFIG_PCI)]
impl Engine for BusMasterOff<'_> {
    fn is_quiet(&mut self, memory: Range<'_>) -> bool {
        let mut command = 0;
        // SAFETY: The device is bound. What it wrote before is in memory before it answers.
        let failed = unsafe {
            bindings::pci_read_config_word(
                self.as_raw(),
                bindings::PCI_COMMAND as i32,
                &mut command,
            )
        };
        let own: &BoundDevice<Bound> = self.0.as_ref();
        failed == 0
            && core::ptr::eq(own, memory.dev)
            && u32::from(command) & bindings::PCI_COMMAND_MASTER == 0
    }
}

#[cfg(CONFIG_PCI)]
impl fmt::Debug for BusMasterOff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BusMasterOff")
    }
}

/// The device is not through with the memory, which is given back. Turns into `EBUSY`.
pub struct Busy<M>(pub M);

impl<M> fmt::Debug for Busy<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

impl<M> From<Busy<M>> for Error {
    fn from(_: Busy<M>) -> Self {
        EBUSY
    }
}

/// What the CPU does with memory that it has, as the direction allows. `data` and `data_mut` are
/// the type's own and private.
macro_rules! cpu_access {
    ([$($generics:tt)*] $name:ident [$($before:ty),*; $($after:ty),*], $data:ty) => {
        use super::{CpuReads, CpuWrites, Elements};

        impl<$($generics)*, D: CpuReads> core::ops::Deref
            for $name<'_, $($before,)* D, Cpu, $($after),*>
        {
            type Target = $data;
            #[inline(always)]
            fn deref(&self) -> &$data {
                self.data()
            }
        }

        impl<$($generics)*, D: CpuReads + CpuWrites> core::ops::DerefMut
            for $name<'_, $($before,)* D, Cpu, $($after),*>
        {
            #[inline(always)]
            fn deref_mut(&mut self) -> &mut $data {
                self.data_mut()
            }
        }

        // The bound is each method's, for the sake of the message.
        impl<$($generics)*, D: Direction> $name<'_, $($before,)* D, Cpu, $($after),*> {
            /// Writes all of it.
            #[inline]
            pub fn write(&mut self, value: $data)
            where
                D: CpuWrites,
                $data: Sized,
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
                values: &'v [<$data as Elements>::Element],
            ) -> Result<(), &'v [<$data as Elements>::Element]>
            where
                D: CpuWrites,
                $data: Elements,
            {
                if self.data_mut().put(at, values) {
                    Ok(())
                } else {
                    Err(values)
                }
            }

            /// Writes `value` to every element.
            #[inline]
            pub fn fill(&mut self, value: <$data as Elements>::Element)
            where
                D: CpuWrites,
                $data: Elements,
            {
                self.data_mut().put_everywhere(value);
            }
        }
    };
}
pub(super) use cpu_access;

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
