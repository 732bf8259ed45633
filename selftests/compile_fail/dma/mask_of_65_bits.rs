// SPDX-License-Identifier: GPL-2.0

//! A mask of more bits than there are.

//@error-in-other-file: evaluation of

use kalloc::dma::DmaDevice;
use kalloc::prelude::*;
use kernel::{device::Core, pci};

pub fn dma<'bound>(task: &TaskCx, pdev: &'bound pci::Device<Core<'_>>) -> Result<DmaDevice<'bound>> {
    DmaDevice::set_mask_and_coherent::<65, _>(task, pdev)
}
