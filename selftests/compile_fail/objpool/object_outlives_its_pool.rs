// SPDX-License-Identifier: GPL-2.0

//! A borrowed object goes back before the pool ends.

use kalloc::prelude::*;

pub fn last(pool: ObjPool<u64>) -> u64 {
    let object = pool.pop();
    drop(pool); //~ ERROR: cannot move out of `pool` because it is borrowed
    object.map_or(0, |object| *object)
}
