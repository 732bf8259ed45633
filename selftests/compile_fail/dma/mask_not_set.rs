// SPDX-License-Identifier: GPL-2.0

//! Memory for a device of which nobody said what addresses it reaches.

use kalloc::dma::{Coherent, DmaDevice};
use kalloc::prelude::*;
use kernel::{device::Core, platform};

pub fn coherent<'bound>(
    task: &TaskCx,
    pdev: &'bound platform::Device<Core<'_>>,
) -> Result<Coherent<'bound, u32>> {
    Ok(Coherent::zeroed(task, pdev)?) //~ ERROR: mismatched types
}

pub fn by_hand<'bound>(pdev: &'bound platform::Device<Core<'_>>) -> DmaDevice<'bound> {
    DmaDevice(pdev.as_ref(), core::marker::PhantomData) //~ ERROR: cannot initialize a tuple struct which contains private fields
}
