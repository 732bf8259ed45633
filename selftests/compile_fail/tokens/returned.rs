// SPDX-License-Identifier: GPL-2.0

//! The token of a section, returned from it.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result<KBox<u32>> {
    //~vv ERROR: lifetime may not live long enough
    //~v ERROR: lifetime may not live long enough
    let cx = task.locked(lock, |_data, cx| cx);
    Ok(KBox::new(&cx, 1)?)
}
