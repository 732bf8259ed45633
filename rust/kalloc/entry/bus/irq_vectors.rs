// SPDX-License-Identifier: GPL-2.0

//! The interrupt vectors of a PCI device.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

use crate::{
    contexts::traits::MaySleep,
    series::{self, HasIrqVectors, IrqVectorRegistration}, //
};
use core::{
    fmt,
    mem::ManuallyDrop,
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
        IrqTypes, //
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
    /// Not on Linux 7.2, where the call does not compile.
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
    #[doc(alias("pci_alloc_irq_vectors", "pci_irq_vector", "pci_free_irq_vectors"))]
    fn irq_vectors<C: MaySleep + HasIrqVectors>(
        &self,
        cx: &C,
        min: u32,
        max: u32,
        types: IrqTypes,
    ) -> Result<Vectors<'_>>;
}

impl AllocVectors for Device<Bound> {
    fn irq_vectors<C: MaySleep + HasIrqVectors>(
        &self,
        _cx: &C,
        min: u32,
        max: u32,
        types: IrqTypes,
    ) -> Result<Vectors<'_>> {
        // SAFETY: The device is bound, and the caller may sleep.
        to_result(unsafe { kalloc_helper_pci_take_vectors(as_raw(self)) })?;
        // The vectors may be of the kernel crate's own function, or left by an earlier binding.
        // SAFETY: The device is valid. Only the owner of its vectors changes the two flags that the
        // helper reads, and the device is marked for this caller.
        let registration = if unsafe { kalloc_helper_pci_has_msi(as_raw(self)) } {
            Err(EBUSY)
        } else {
            series::alloc_irq_vectors(self, min, max, types).and_then(|registration| {
                // SAFETY: The device is bound, and its vectors have been allocated.
                to_result(unsafe { kalloc_helper_pci_keep_vectors(as_raw(self)) })?;
                Ok(registration)
            })
        };
        match registration {
            // INVARIANT: `kalloc_helper_pci_take_vectors()` has marked the device.
            Ok(registration) => Ok(Vectors {
                dev: self,
                registration: ManuallyDrop::new(registration),
            }),
            Err(err) => {
                // SAFETY: The device is marked, for this caller. It has no vectors.
                unsafe { kalloc_helper_pci_put_vectors(as_raw(self)) };
                Err(err)
            }
        }
    }
}

/// The interrupt vectors of a PCI device: made by [`AllocVectors::irq_vectors`], used as the kernel
/// crate's [`IrqVectorRegistration`].
///
/// # Drop
///
/// Wraps `pci_free_irq_vectors()`, after which the device can have other vectors. Where the caller
/// may not sleep, or if the value is forgotten, the device keeps the vectors until it is unbound.
///
/// # Invariants
///
/// The device is marked as having vectors, and only this value clears the mark.
pub struct Vectors<'a> {
    dev: &'a Device<Bound>,
    registration: ManuallyDrop<IrqVectorRegistration<'a>>,
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

impl Drop for Vectors<'_> {
    fn drop(&mut self) {
        // SAFETY: Invariant of `Vectors`: the device is marked, and only this value clears the mark.
        // What borrowed the vectors has ended. The registration is not dropped, which would free
        // them a second time.
        unsafe { kalloc_helper_pci_free_vectors(as_raw(self.dev)) }
    }
}

fn as_raw(dev: &Device<Bound>) -> *mut bindings::pci_dev {
    // CAST: `Device` is transparent over `struct pci_dev`.
    ptr::from_ref(dev).cast_mut().cast()
}
