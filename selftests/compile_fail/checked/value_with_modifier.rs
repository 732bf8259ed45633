// SPDX-License-Identifier: GPL-2.0

//! The value of flags that are checked at each use, by way of a modifier.

//@error-in-other-file: evaluation of

use kalloc::{checked::Checked, interop, prelude::*};
use kernel::alloc::Flags;

pub fn flags() -> Flags {
    interop::flags(Checked.with(GFP_KERNEL).zeroed())
}
