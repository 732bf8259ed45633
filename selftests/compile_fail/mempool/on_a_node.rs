// SPDX-License-Identifier: GPL-2.0

//! The reserve is not of a node.

//@error-in-other-file: evaluation of

use kalloc::{mempool::*, prelude::*};

pub fn number(task: &TaskCx, pool: &Mempool<u64>, node: Node) {
    let _number = MempoolBox::new(task.with(GFP_KERNEL).on(node), pool, 1);
}
