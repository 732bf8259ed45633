// SPDX-License-Identifier: GPL-2.0

//! Sleep allowed where it is not.

use kalloc::prelude::*;

//~v ERROR: only traits defined in the current crate can be implemented
impl MaySleep for AtomicCx<'_> {
    type NoFsCx<'a> = NoFsCx<'a>;
    type NoIoCx<'a> = NoIoCx<'a>;
}
