// SPDX-License-Identifier: GPL-2.0

//! The last owner would drop the objects in whatever context it is.

//@error-in-other-file: evaluation of

use kalloc::{objpool::PoolBox, prelude::*};

pub type Boxes = ObjPool<KBox<u64>>;

pub fn stored(pool: &Boxes) -> Option<PoolBox<KBox<u64>, Boxes>> {
    pool.pop_owned()
}
