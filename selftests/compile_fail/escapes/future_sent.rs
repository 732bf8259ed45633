// SPDX-License-Identifier: GPL-2.0

//! A future with a section in it, for another thread to go on with.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

use core::future::{pending, Future};

fn spawn(_future: impl Future + Send) {}

pub fn escape(task: &mut TaskCx, lock: &SpinLock<u32>) {
    spawn(async move { //~ ERROR: future cannot be sent between threads safely
        section!(_guard = task, lock(lock));
        pending::<()>().await
    })
}
