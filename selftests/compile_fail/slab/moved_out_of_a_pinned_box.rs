// SPDX-License-Identifier: GPL-2.0

//! What is pinned stays where it is.

use core::pin::Pin;
use kalloc::{prelude::*, slab::*};
use kernel::sync::SpinLock;

pub fn out(pinned: Pin<SlabBox<SpinLock<u32>, &Cache<SpinLock<u32>>>>) -> SpinLock<u32> {
    pinned.into_inner() //~ ERROR: no method named `into_inner`
}
