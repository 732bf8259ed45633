// SPDX-License-Identifier: GPL-2.0

//! A per-CPU integer that is not aligned, by a reference.

use kalloc::{percpu::{field, CpuLocal}, prelude::*};

#[repr(C, packed)]
pub struct Stats {
    kind: u8,
    bytes: CpuLocal<u64>,
}

pub fn escape(stats: &PerCpu<Stats>) -> u64 {
    stats.at(field!(Stats, bytes)).sum() //~ ERROR: reference to packed field is unaligned
}
