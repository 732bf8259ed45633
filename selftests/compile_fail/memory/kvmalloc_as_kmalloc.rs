// SPDX-License-Identifier: GPL-2.0

//! Memory of kvmalloc, which may be of vmalloc, given to `kfree()`.

use kalloc::prelude::*;

pub fn misuse(list: KVVec<u8>) -> KBox<[u8]> {
    KBox::from(list) //~ ERROR: not satisfied
}
