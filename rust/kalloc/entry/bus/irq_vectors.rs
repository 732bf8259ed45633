// SPDX-License-Identifier: GPL-2.0

//! The interrupt vectors of a PCI device.

use crate::contexts::traits::MaySleep;
use core::{
    fmt,
    ops::Deref,
    ptr, //
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    device::Bound,
    error::{
        code::EBUSY,
        to_result,
        Result, //
    },
    pci::{
        Device,
        IrqTypes,
        IrqVectorRegistration, //
    },
};

/// Allocating the interrupt vectors of a PCI device.
pub trait AllocVectors {
    /// Vectors of those types, at least `min` and at most `max`, wraps `pci_alloc_irq_vectors()`.
    ///
    /// A device has vectors once, of whatever type. The kernel crate's `alloc_irq_vectors()`, called a
    /// second time, may get others beside the legacy interrupt, or that in place of others; and
    /// whichever of the two is dropped first frees all, whose lines may have handlers.
    ///
    /// Context: one that may sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` where the device has vectors; `ENOMEM`; what the kernel returns.
    ///
    /// ```
    /// use kalloc::{irq::{AllocVectors, Vectors}, prelude::*};
    /// use kernel::{device::Bound, pci::{Device, IrqTypes}};
    ///
    /// fn vectors<'bound>(task: &TaskCx, dev: &'bound Device<Bound>) -> Result<Vectors<'bound>> {
    ///     dev.irq_vectors(task, 1, 8, IrqTypes::all())
    /// }
    /// ```
    fn irq_vectors<C: MaySleep>(
        &self,
        cx: &C,
        min: u32,
        max: u32,
        types: IrqTypes,
    ) -> Result<Vectors<'_>>;
}

impl AllocVectors for Device<Bound> {
    fn irq_vectors<C: MaySleep>(
        &self,
        _cx: &C,
        min: u32,
        max: u32,
        types: IrqTypes,
    ) -> Result<Vectors<'_>> {
        // SAFETY: The device is bound, and the caller may sleep.
        to_result(unsafe { kalloc_helper_pci_take_vectors(as_raw(self)) })?;
        // INVARIANT: It was just set.
        let taken = Taken(self);
        // Of the kernel crate's own function, or left by an earlier binding.
        // SAFETY: The device is there. Who has vectors of it changes the two flags that this reads, and
        // that is nobody else.
        if unsafe { kalloc_helper_pci_has_msi(as_raw(self)) } {
            return Err(EBUSY);
        }
        Ok(Vectors {
            registration: self.alloc_irq_vectors(min, max, types)?,
            _taken: taken,
        })
    }
}

/// The interrupt vectors of a PCI device: made by [`AllocVectors::irq_vectors`], used as the kernel
/// crate's [`IrqVectorRegistration`].
///
/// # Drop
///
/// Wraps `pci_free_irq_vectors()`, which sleeps: in process context. Then the device may have others.
/// If it is forgotten, it has none for as long as it is bound.
pub struct Vectors<'a> {
    // Dropped before the other one.
    registration: IrqVectorRegistration<'a>,
    _taken: Taken<'a>,
}

impl<'a> Deref for Vectors<'a> {
    type Target = IrqVectorRegistration<'a>;
    #[inline(always)]
    fn deref(&self) -> &IrqVectorRegistration<'a> {
        &self.registration
    }
}

impl fmt::Debug for Vectors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vectors")
            .field("len", &self.registration.len())
            .field("type", &self.registration.irq_type())
            .finish()
    }
}

/// # Invariants
///
/// The device is marked as having vectors, and this is the only one to say so.
struct Taken<'a>(&'a Device<Bound>);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // SAFETY: By the invariant.
        unsafe { kalloc_helper_pci_put_vectors(as_raw(self.0)) }
    }
}

fn as_raw(dev: &Device<Bound>) -> *mut bindings::pci_dev {
    // CAST: `Device` is transparent over `struct pci_dev`.
    ptr::from_ref(dev).cast_mut().cast()
}
