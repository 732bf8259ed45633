// SPDX-License-Identifier: GPL-2.0

//! The token of a section as a value of unknown type.

use core::any::Any;
use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>, f: impl Fn(&mut dyn Any)) {
    task.locked(lock, |_data, cx| f(cx)) //~ ERROR: lifetime may not live long enough
}
