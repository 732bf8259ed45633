// SPDX-License-Identifier: GPL-2.0

//! Memory of kvmalloc, which may be of vmalloc, given to `kfree()`.

use kalloc::prelude::*;

pub fn misuse(memory: KVBox<u32>) -> KBox<u32> {
    memory.into() //~ ERROR: not satisfied
}
