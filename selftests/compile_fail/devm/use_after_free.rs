// SPDX-License-Identifier: GPL-2.0

//! A value that was freed is used.

use kalloc::prelude::*;

pub fn last(task: &TaskCx, value: Devm<'_, u32>) -> u32 {
    value.free(task);
    *value //~ ERROR: borrow of moved value
}

pub fn grow<'bound>(task: &TaskCx, memory: Devm<'bound, [u8]>) -> Result<Devm<'bound, [u8]>> {
    let first = &memory[0];
    let mut grown = memory.resize(task, 100, 0)?; //~ ERROR: cannot move out of `memory`
    grown[1] = *first;
    Ok(grown)
}
