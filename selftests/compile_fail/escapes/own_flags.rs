// SPDX-License-Identifier: GPL-2.0

//! Flags of one's own.

use kalloc::{gfp::AllocFailed, prelude::*};
use kernel::alloc::AllocError;

#[derive(Clone, Copy, Debug)]
struct Mine;

impl Gfp for Mine { //~ ERROR: is not satisfied
    const BITS: u32 = GfpKernel::BITS;
    type Failure = AllocError;
    fn failed() -> AllocFailed<Self> {
        AllocFailed(AllocError)
    }
}
