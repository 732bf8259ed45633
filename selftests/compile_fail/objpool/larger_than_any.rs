// SPDX-License-Identifier: GPL-2.0

//! A type larger than objpool::MAX_SIZE.

//@error-in-other-file: evaluation of

use kalloc::{objpool, prelude::*};

pub fn make(task: &TaskCx) -> Result<ObjPool<[u8; objpool::MAX_SIZE + 1]>> {
    ObjPool::init::<_, _, core::convert::Infallible>(task, 8, |_| pin_init::init_zeroed())
}
