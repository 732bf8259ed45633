// SPDX-License-Identifier: GPL-2.0

//! A field of one struct is not one of another.

use kalloc::{
    percpu::{field, CpuLocal},
    prelude::*,
};

pub struct Small(pub CpuLocal<u8>);
pub struct Large {
    pub before: [u8; 64],
    pub value: CpuLocal<u8>,
}

pub fn count(small: &PerCpu<Small>) {
    small.at(field!(Large, value)).inc(); //~ ERROR: mismatched types
}
