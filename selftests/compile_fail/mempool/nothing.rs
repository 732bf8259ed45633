// SPDX-License-Identifier: GPL-2.0

//! A pool of elements of no size.

//@error-in-other-file: evaluation of

use kalloc::{mempool::*, prelude::*};

pub fn pool(task: &TaskCx) -> Result<Mempool<()>> {
    Mempool::kmalloc(task, 4)
}
