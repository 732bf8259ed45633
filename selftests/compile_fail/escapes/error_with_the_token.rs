// SPDX-License-Identifier: GPL-2.0

//! The token of a section as the error that `?` hands up.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result<(), &'static AtomicCx<'static>> {
    //~vv ERROR: lifetime may not live long enough
    //~v ERROR: lifetime may not live long enough
    task.locked(lock, |_data, cx| Err(&*cx))?;
    Ok(())
}
