// SPDX-License-Identifier: GPL-2.0

//! The interrupt vectors of a PCI device.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

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
    /// Allocates at least `min` and at most `max` vectors of `types`; wraps
    /// `pci_alloc_irq_vectors()`.
    ///
    /// A device can have only one allocation of vectors. A second call of the kernel crate's
    /// `alloc_irq_vectors()` may allocate other vectors beside the legacy interrupt, or the legacy
    /// interrupt instead of others. The first of the two to be dropped then frees all vectors,
    /// while their lines may have handlers.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the device has vectors, `ENOMEM` if memory is short, and other errors of
    /// `pci_alloc_irq_vectors()`.
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
        // INVARIANT: `kalloc_helper_pci_take_vectors()` has just marked the device.
        let taken = Taken(self);
        // The vectors may be of the kernel crate's own function, or left by an earlier binding.
        // SAFETY: The device is valid. Only the owner of its vectors changes the two flags that the
        // helper reads, and the device is marked for this caller.
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
/// Wraps `pci_free_irq_vectors()`, which sleeps, so the value must be dropped in process context.
/// After that the device can have other vectors. If the value is forgotten, no vectors can be
/// allocated until the device is unbound.
pub struct Vectors<'a> {
    // Dropped before `_taken`.
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
/// The device is marked as having vectors, and only this value clears the mark.
struct Taken<'a>(&'a Device<Bound>);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // SAFETY: Invariant of `Taken`: the device is marked, and only this value clears the mark.
        unsafe { kalloc_helper_pci_put_vectors(as_raw(self.0)) }
    }
}

fn as_raw(dev: &Device<Bound>) -> *mut bindings::pci_dev {
    // CAST: `Device` is transparent over `struct pci_dev`.
    ptr::from_ref(dev).cast_mut().cast()
}
