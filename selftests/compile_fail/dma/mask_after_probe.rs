// SPDX-License-Identifier: GPL-2.0

//! The mask of a device is set when probe is over.

use kalloc::dma::DmaDevice;
use kalloc::prelude::*;
use kernel::{device::Bound, pci};

pub fn later<'bound>(task: &TaskCx, pdev: &'bound pci::Device<Bound>) -> Result<DmaDevice<'bound>> {
    DmaDevice::set_mask_and_coherent::<32, _>(task, pdev) //~ ERROR: is not satisfied
}
