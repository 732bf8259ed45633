// SPDX-License-Identifier: GPL-2.0

//! A future that holds a lock between two polls, and process context meanwhile.

use core::{future::{pending, Future}, pin::pin, task::{Context, Waker}};
use kalloc::prelude::*;
use kernel::sync::SpinLock;

async fn hold(task: &mut TaskCx, lock: &SpinLock<u32>) {
    section!(_guard = task, lock(lock));
    pending::<()>().await
}

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result<KBox<u32>> {
    let mut future = pin!(hold(task, lock));
    let mut poll = Context::from_waker(Waker::noop());
    let _ = future.as_mut().poll(&mut poll);
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
