// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's guard for evidence: leaked, it outlives its read side, which ends with the
//! thread; and where the read side cannot be preempted, it ends with a sleep beside the guard.

use kalloc::prelude::*;
use kernel::sync::{rcu, Completion};

pub fn leaked(task: TaskCx, cell: &'static RcuCell<[u64; 8]>) -> Option<&'static [u64; 8]> {
    let place = KBox::new_uninit(&task).ok()?;
    let guard: &'static rcu::Guard = place.write(rcu::read_lock()).leak();
    cell.load(guard) //~ ERROR: mismatched types
}

pub fn leaked_for_a_box(task: TaskCx, value: &RcuBox<u64>) -> Option<&'static u64> {
    let place = KBox::new_uninit(&task).ok()?;
    let guard: &'static rcu::Guard = place.write(rcu::read_lock()).leak();
    Some(value.read(guard)) //~ ERROR: mismatched types
}

pub fn sleep_beside_it(task: &mut TaskCx, cell: &RcuCell<u64>, done: &Completion) -> u64 {
    let guard = rcu::read_lock();
    let value = cell.load(&guard); //~ ERROR: mismatched types
    task.wait_for_completion(done);
    value.map_or(0, |value| *value)
}
