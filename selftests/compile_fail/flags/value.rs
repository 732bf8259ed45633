// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's value of flags, which would outlive its grant.

use kalloc::{gfp::Gfp, prelude::*};

pub fn flags() -> kernel::alloc::Flags {
    <GfpKernel as Gfp>::FLAGS.0 //~ ERROR: private
}
