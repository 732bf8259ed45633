// SPDX-License-Identifier: GPL-2.0

//! What asks no flags, no context and no size, called through a type parameter.

use kalloc::{allocator::Allocator, prelude::*};

pub fn bytes<A: Allocator, G: Grant>(grant: G, bytes: usize) -> *mut u8 {
    A::alloc_bytes::<u8, G>(bytes, grant) //~ ERROR: is unsafe
}

pub fn value<T, A: Allocator, G: Grant>(grant: G) -> *mut T {
    A::alloc::<T, G>(grant) //~ ERROR: is unsafe
}
