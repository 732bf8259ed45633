// SPDX-License-Identifier: GPL-2.0

//! Flags of one's own.

use kalloc::{gfp::Failed, prelude::*};
use kernel::alloc::AllocError;

#[derive(Clone, Copy, Debug)]
struct Mine;

impl Gfp for Mine { //~ ERROR: is not satisfied
    const BITS: u32 = Kernel::BITS;
    type Failure = AllocError;
    fn failed() -> Failed<Self> {
        Failed(AllocError)
    }
}
