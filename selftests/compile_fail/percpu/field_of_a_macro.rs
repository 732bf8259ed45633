// SPDX-License-Identifier: GPL-2.0

//! A type that contains a macro could be one type for the offset, and another one for the field.

use kalloc::{
    percpu::{field, CpuLocal, Field},
    prelude::*,
};

pub struct Stats<const N: usize> {
    pub before: [u64; N],
    pub packets: CpuLocal<u64>,
}

type Once = Stats<{ include_bytes!("/proc/sys/kernel/random/uuid")[0] as usize % 2 }>;

pub fn count(stats: &PerCpu<Once>) {
    stats.at(field!(Once, packets)).inc();
}

pub const PACKETS: Field<Once, CpuLocal<u64>> = field!(
    //~^ ERROR: `field!` takes a struct by its name
    Stats<{ include_bytes!("/proc/sys/kernel/random/uuid")[0] as usize % 2 }>,
    packets
);
