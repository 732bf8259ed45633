// SPDX-License-Identifier: GPL-2.0

//! A field of what a box points to is not in per-CPU memory.

use kalloc::{
    percpu::{field, CpuLocal},
    prelude::*,
};

pub struct Stats {
    pub packets: CpuLocal<u64>,
}

pub fn count(stats: &PerCpu<KBox<Stats>>) {
    stats.at(field!(KBox<Stats>, packets)).inc(); //~ ERROR: no field `packets`
}
