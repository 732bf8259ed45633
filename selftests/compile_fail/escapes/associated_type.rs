// SPDX-License-Identifier: GPL-2.0

//! The token of a section as an associated type.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

trait Keeps {
    type Kept;
    fn keep(self) -> Self::Kept;
}

impl<'a> Keeps for &'a mut AtomicCx<'_> {
    type Kept = &'a Self;
    fn keep(self) -> Self::Kept {
        loop {}
    }
}

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    //~vv ERROR: lifetime may not live long enough
    //~v ERROR: lifetime may not live long enough
    let _kept = task.locked(lock, |_data, cx| cx.keep());
}
