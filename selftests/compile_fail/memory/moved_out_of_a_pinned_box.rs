// SPDX-License-Identifier: GPL-2.0

//! A pinned value moved out of its memory.

use core::marker::PhantomPinned;
use kalloc::prelude::*;

pub fn misuse(memory: Pin<KBox<PhantomPinned>>) -> PhantomPinned {
    *Pin::into_inner(memory) //~ ERROR: cannot be unpinned
}
