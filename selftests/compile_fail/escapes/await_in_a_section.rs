// SPDX-License-Identifier: GPL-2.0

//! A wait for a future within a section.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

use core::future::ready;

pub async fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    task.locked(lock, |_data, _cx| ready(()).await) //~ ERROR: `await` is only allowed inside `async` functions and blocks
}
