// SPDX-License-Identifier: GPL-2.0

//! A field of a union may not be what is in it.

use kalloc::{
    percpu::{field, CpuLocal},
    prelude::*,
};
use core::mem::ManuallyDrop;

pub union Either {
    pub number: u64,
    pub counter: ManuallyDrop<CpuLocal<u64>>,
}

pub fn count(either: &PerCpu<Either>) -> u64 {
    either.at(field!(Either, number)); //~ ERROR: access to union field is unsafe
    0
}
