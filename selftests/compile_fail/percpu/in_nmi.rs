// SPDX-License-Identifier: GPL-2.0

//! The allocator takes locks.

use kalloc::prelude::*;

pub fn make(cx: &NmiCx<'_>) -> Result<PerCpu<u64>> {
    Ok(PerCpu::zeroed(cx)?) //~ ERROR: no allocator may be called
}
