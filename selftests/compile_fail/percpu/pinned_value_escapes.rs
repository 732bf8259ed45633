// SPDX-License-Identifier: GPL-2.0

//! The value belongs to the CPU for as long as the section.

use core::sync::atomic::AtomicU32;
use kalloc::prelude::*;

pub fn value<'a>(task: &mut TaskCx, seen: &'a PerCpu<AtomicU32>) -> &'a AtomicU32 {
    seen.pin(task, |seen, _cx| seen) //~ ERROR: lifetime may not live long enough
}
