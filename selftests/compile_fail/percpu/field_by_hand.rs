// SPDX-License-Identifier: GPL-2.0

//! A field that is none, by the function that the macro calls.

use kalloc::{
    __macro::exact,
    percpu::{CpuLocal, Field},
    prelude::*,
};

pub struct Stats {
    pub packets: CpuLocal<u64>,
}

pub fn count(stats: &PerCpu<Stats>) {
    stats.at(Field::new(1 << 20, |stats| exact(&stats.packets))).inc(); //~ ERROR: call to unsafe function
}
