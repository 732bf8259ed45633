// SPDX-License-Identifier: GPL-2.0

//! The page of an address that is none.

use core::ptr::NonNull;
use kalloc::mempool::{Backing, PageBacked};

pub fn object() -> NonNull<u8> {
    let element = <PageBacked as Backing<u8>>::element(NonNull::dangling()); //~ ERROR: is unsafe
    <PageBacked as Backing<u8>>::object(element) //~ ERROR: is unsafe
}
