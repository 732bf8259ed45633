// SPDX-License-Identifier: GPL-2.0

//! An object that went back has another owner.

use kalloc::prelude::*;

pub fn give_back(pool: &ObjPool<u64>) -> Option<u64> {
    let object = pool.pop()?;
    let value: &u64 = &object;
    drop(object); //~ ERROR: cannot move out of `object` because it is borrowed
    Some(*value)
}
