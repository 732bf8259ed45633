// SPDX-License-Identifier: GPL-2.0

//! Waiting for a thread, which may wait for memory, where memory is freed for the kernel. `kthread_run!`
//! waits for the thread that makes it.

use kalloc::{
    kthread::{kthread_run, Kthread, This},
    prelude::*,
};

pub fn stop(task: &mut TaskCx, thread: Kthread<()>) {
    let _ = task.noreclaim(|cx| thread.stop(cx)); //~ ERROR: waiting for a work item may deadlock
}

pub fn run(task: &mut TaskCx) {
    let _ = task.noreclaim(|cx| kthread_run!(cx, c"wrong", |_: &mut TaskCx, _: &This<'_>| ())); //~ ERROR: waiting for a work item may deadlock
}
