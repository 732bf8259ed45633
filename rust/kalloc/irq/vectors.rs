// SPDX-License-Identifier: GPL-2.0

//! The interrupt vectors of a PCI device.

use crate::context::Sleep;
use core::ptr;
use kalloc_bindings::kalloc_helper_pci_has_msi;
use kernel::{
    device::Bound,
    error::{
        code::EBUSY,
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
    /// Dropped, they are freed by `pci_free_irq_vectors()`.
    ///
    /// A device has vectors once. The kernel crate's `alloc_irq_vectors()`, called a second time, may
    /// get the legacy interrupt in their place, and what it returns frees the first ones, whose lines
    /// may have handlers.
    ///
    /// Context: one that may sleep, in probe: not at once in two threads.
    ///
    /// # Errors
    ///
    /// `EBUSY` where the device has message-signalled vectors; what the kernel returns.
    ///
    /// ```
    /// use kalloc::{irq::AllocVectors, prelude::*};
    /// use kernel::{device::Bound, pci::{Device, IrqTypes, IrqVectorRegistration}};
    ///
    /// fn vectors<'bound>(task: &Task, dev: &'bound Device<Bound>) -> Result<IrqVectorRegistration<'bound>> {
    ///     dev.irq_vectors(task, 1, 8, IrqTypes::all())
    /// }
    /// ```
    fn irq_vectors<C: Sleep>(
        &self,
        cx: &C,
        min: u32,
        max: u32,
        types: IrqTypes,
    ) -> Result<IrqVectorRegistration<'_>>;
}

impl AllocVectors for Device<Bound> {
    fn irq_vectors<C: Sleep>(
        &self,
        _cx: &C,
        min: u32,
        max: u32,
        types: IrqTypes,
    ) -> Result<IrqVectorRegistration<'_>> {
        // CAST: `Device` is transparent over `struct pci_dev`.
        let raw = ptr::from_ref(self).cast_mut().cast();
        // SAFETY: It reads two flags of a device that is there.
        if unsafe { kalloc_helper_pci_has_msi(raw) } {
            return Err(EBUSY);
        }
        self.alloc_irq_vectors(min, max, types)
    }
}
