// SPDX-License-Identifier: GPL-2.0

//! Pages are taken out of a table that is mapped, or its segments are kept longer than it.

use kalloc::dma::{Bidirectional, CpuOwned, DeviceOwned, Segments, SgTable};
use kalloc::prelude::*;

pub fn swap(table: &mut SgTable<'_, KBox<[FreePages]>, Bidirectional, CpuOwned>, mut page: FreePages) {
    core::mem::swap(&mut table[0], &mut page); //~ ERROR: cannot index into a value of type
}

pub fn replace(table: &mut SgTable<'_, VBox<[u8]>, Bidirectional, CpuOwned>, memory: VBox<[u8]>) {
    **table = *memory; //~ ERROR: the size for values of type
}

pub fn keep<'a>(
    table: SgTable<'a, VBox<[u8]>, Bidirectional, DeviceOwned>,
) -> Segments<'a> {
    table.segments() //~ ERROR: cannot return value referencing function parameter
}
