// SPDX-License-Identifier: GPL-2.0

//! The interrupt vectors of a PCI device, as the kernel crate owns them.

use kernel::{
    device::Bound,
    error::Result,
    pci::{
        Device,
        IrqTypes, //
    }, //
};

pub(crate) use kernel::pci::IrqVectorRegistration;

/// Has the vectors of a PCI device, which every context does.
#[doc(hidden)]
pub trait HasIrqVectors {}
impl<T: ?Sized> HasIrqVectors for T {}

#[inline(always)]
pub(crate) fn alloc_irq_vectors(
    dev: &Device<Bound>,
    min: u32,
    max: u32,
    types: IrqTypes,
) -> Result<IrqVectorRegistration<'_>> {
    dev.alloc_irq_vectors(min, max, types)
}
