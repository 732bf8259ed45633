// SPDX-License-Identifier: GPL-2.0

//! A module whose work items and threads are instances of a library's generic types: its end waits
//! for them. An oops follows where it does not, since the code that they return to is gone.

use kalloc::prelude::*;
use kernel::time::Delta;
use testlib::{check, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_library":
    work_item_of_a_library_is_left_at_exit,
    thread_of_a_library_is_left_at_exit,
}

fn work_item_of_a_library_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    let later = library::later(task, |task| {
        task.fsleep(Delta::from_millis(500));
        pr_info!("# the work item has run\n");
    });
    check!(later.is_ok());
    Ok(())
}

fn thread_of_a_library_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    let beside = library::beside(task, |task| {
        task.fsleep(Delta::from_millis(500));
        pr_info!("# the thread has run\n");
    });
    check!(beside.is_ok());
    Ok(())
}
