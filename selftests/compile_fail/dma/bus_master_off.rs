// SPDX-License-Identifier: GPL-2.0

//! Bus mastering that is off, and can be turned on again, as evidence.

use kalloc::dma::{DeviceOwned, FromDevice, Streaming};
use kalloc::prelude::*;
use kernel::{device::Core, pci};

pub fn give_up(
    task: &TaskCx,
    pdev: &pci::Device<Core<'_>>,
    buffer: Streaming<'_, KBox<[u8]>, FromDevice, DeviceOwned>,
) -> Result<KBox<[u8]>> {
    let buffer = buffer.unmap(task, &mut kalloc::dma::BusMasterOff::new(pdev))?; //~ ERROR: could not find `BusMasterOff`
    pdev.set_master();
    Ok(buffer)
}
