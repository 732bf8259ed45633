// SPDX-License-Identifier: GPL-2.0

//! Pages that may be high where pages with an address are wanted.

use core::mem::MaybeUninit;
use kalloc::{page::alloc_bulk, prelude::*};

pub fn allocate(task: &TaskCx, pages: &mut [Option<Pages<Order<0>, MaybeUninit<u8>>>]) -> usize {
    alloc_bulk(task.with(GFP_HIGHUSER), pages) //~ ERROR: mismatched types
}
