// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{
    objpool::{self, PoolBox},
    prelude::*,
};

pub fn make(task: &TaskCx) -> Result<ObjPool<u64>> {
    ObjPool::new(task.with(GFP_KERNEL.nowarn()), 8, |_| 0)
}

pub fn in_a_scope(cx: &NoIoCx<'_>) -> Result<ObjPool<u64>> {
    ObjPool::new(cx, 8, |_| 0)
}

pub fn largest(task: &TaskCx) -> Result<ObjPool<[u8; objpool::MAX_SIZE]>> {
    ObjPool::init::<_, _, core::convert::Infallible>(task, 8, |_| pin_init::init_zeroed())
}

pub fn borrowed(_cx: &NmiCx<'_>, pool: &ObjPool<u64>) -> u64 {
    pool.pop().map_or(0, |object| *object)
}

pub fn stored(pool: ObjPool<u64>) -> Option<PoolBox<u64, ObjPool<u64>>> {
    pool.pop_owned()
}

pub fn free(task: &TaskCx, pool: ObjPool<u64>) {
    pool.free(task);
}
