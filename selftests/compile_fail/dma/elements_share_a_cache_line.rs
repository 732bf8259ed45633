// SPDX-License-Identifier: GPL-2.0

//! A non-coherent ring whose elements share cache lines: the CPU would write over its neighbours.

//@error-in-other-file: evaluation of

use kalloc::dma::{Bidirectional, DeviceOwned, DmaDevice, MappedRange, Noncoherent, Quiesce};
use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub struct Idle<'bound>(pub DmaDevice<'bound>);

impl Quiesce for Idle<'_> {
    fn device(&self) -> &Device<Bound> {
        self.0.device()
    }

    fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
        true
    }
}

pub type Ring<'bound> = Noncoherent<'bound, [u32], Bidirectional, DeviceOwned>;

pub fn change(ring: &mut Ring<'_>, done: &mut Idle<'_>) -> Result {
    ring.with_element(1, done, |element| element.write(7))
}
