// SPDX-License-Identifier: GPL-2.0

//! A crate that is called `core` has its own `offset_of!`: the macro does not name that one.

#![allow(unused_extern_crates, unused_imports, hidden_glob_reexports)]
extern crate core as real;
extern crate self as core;
pub use real::*;
pub mod mem {
    pub use real::mem::*;
    pub(crate) use crate::fake_offset_of as offset_of;
}
#[macro_export]
macro_rules! fake_offset_of {
    ($($any:tt)*) => {
        real::compile_error!("the offset is that of somebody else")
    };
}

use kalloc::{percpu::{field, CpuLocal}, prelude::*};

pub struct Stats {
    pub packets: CpuLocal<u64>,
}

pub fn count(stats: &PerCpu<Stats>) {
    stats.at(field!(Stats, packets)).inc();
    let () = stats.at(field!(Stats, packets)).read(); //~ ERROR: mismatched types
}
