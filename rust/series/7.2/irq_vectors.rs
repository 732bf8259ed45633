// SPDX-License-Identifier: GPL-2.0

//! The kernel crate has a type that owns the interrupt vectors of a PCI device since 7.3. Before, a
//! driver gets only the first and the last of them.

use core::{
    convert::Infallible,
    marker::PhantomData, //
};
use kernel::{
    device::Bound,
    error::{
        code::ENOTSUPP,
        Result, //
    },
    pci, //
};

/// Has the vectors of a PCI device, which nothing has.
#[diagnostic::on_unimplemented(
    message = "`irq_vectors()` exists since Linux 7.3",
    label = "the kernel that this is built for is older",
    note = "the kernel crate of Linux 7.2 gives a driver the first and the last interrupt vector: \
            `kernel::pci::Device::alloc_irq_vectors()`"
)]
pub trait HasIrqVectors {}

/// There are none.
#[derive(Debug)]
pub struct IrqVectorRegistration<'a>(Infallible, PhantomData<&'a ()>);

impl IrqVectorRegistration<'_> {
    pub(crate) fn len(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn irq_type(&self) -> pci::IrqType {
        match self.0 {}
    }
}

/// Only for what has vectors.
pub(crate) fn alloc_irq_vectors(
    _dev: &pci::Device<Bound>,
    _min: u32,
    _max: u32,
    _types: pci::IrqTypes,
) -> Result<IrqVectorRegistration<'_>> {
    Err(ENOTSUPP)
}
