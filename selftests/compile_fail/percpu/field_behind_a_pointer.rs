// SPDX-License-Identifier: GPL-2.0

//! What is behind a pointer is not in per-CPU memory.

use kalloc::{
    percpu::{field, CpuLocal, ThisCpu},
    prelude::*,
};

pub struct Stats {
    pub shared: &'static CpuLocal<u64>,
}

pub fn count(stats: &PerCpu<Stats>) {
    let shared: ThisCpu<'_, CpuLocal<u64>> = stats.at(field!(Stats, shared)); //~ ERROR: mismatched types
    shared.inc();
}
