// SPDX-License-Identifier: GPL-2.0

//! A backing of pools for a type of the driver: the orphan rule permits it for types of kalloc.

use core::{ffi::c_void, ptr::NonNull};
use kalloc::{mempool::Backing, prelude::*};
use kernel::bindings::{mempool_alloc_t, mempool_free_t};

struct Element(u8);

impl Backing<Element> for TaskCx { //~ ERROR: requires an `unsafe impl`
    fn functions(&self) -> (mempool_alloc_t, mempool_free_t, *mut c_void) {
        (None, None, core::ptr::null_mut())
    }
}

pub fn first(element: &Element) -> NonNull<u8> {
    NonNull::from(&element.0)
}
