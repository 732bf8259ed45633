// SPDX-License-Identifier: GPL-2.0

//! Flags of one's own, from bits.

use kalloc::gfp::{AllocFailed, Gfp};
use kernel::alloc::AllocError;

#[derive(Clone, Copy, Debug)]
pub struct Mine;

//~v ERROR: Sealed
impl Gfp for Mine {
    const BITS: u32 = 0xc0;
    type Failure = AllocError;
    fn failed() -> AllocFailed<Self> {
        AllocFailed(AllocError)
    }
}
