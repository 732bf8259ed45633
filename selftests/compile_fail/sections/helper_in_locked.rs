// SPDX-License-Identifier: GPL-2.0

//! A helper that sleeps, called with a spinlock held.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

fn helper<C: MaySleep>(cx: &C) -> Result<KBox<u32>> {
    Ok(KBox::new(cx, 1)?)
}

pub fn section(task: &mut TaskCx, lock: &SpinLock<Option<KBox<u32>>>) -> Result {
    task.locked(lock, |data, cx| -> Result {
        *data = Some(helper(cx)?); //~ ERROR: may sleep
        Ok(())
    })
}
