// SPDX-License-Identifier: GPL-2.0

//! Sleep allowed where it is not.

use kalloc::prelude::*;

//~v ERROR: only traits defined in the current crate can be implemented
impl Sleep for Atomic<'_> {
    type NoFs<'a> = NoFs<'a>;
    type NoIo<'a> = NoIo<'a>;
}
