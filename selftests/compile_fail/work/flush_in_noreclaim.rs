// SPDX-License-Identifier: GPL-2.0

//! Waiting for a work item, which may wait for memory, where memory is freed for the kernel.

use kalloc::{
    prelude::*,
    work::{DelayedWork, Work, WorkItem},
};

pub fn now<T: WorkItem>(task: &mut TaskCx, work: &Work<T>) {
    task.noreclaim(|cx| work.flush_work(cx)); //~ ERROR: waiting for a work item may deadlock
}

pub fn later<T: WorkItem>(task: &mut TaskCx, work: &DelayedWork<T>) {
    task.noreclaim(|cx| work.flush_delayed_work(cx)); //~ ERROR: waiting for a work item may deadlock
}
