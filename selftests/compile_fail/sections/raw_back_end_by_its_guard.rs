// SPDX-License-Identifier: GPL-2.0

//! The back end of a raw spinlock, by the type of the section's guard: the kernel crate's `Lock` of it would be taken
//! without a token.

use kalloc::{
    __macro::enter::ByRawSpinLock,
    prelude::*,
    sync::Enter, //
};
use kernel::sync::lock::{
    Backend,
    Guard,
    Lock, //
};

pub trait Of {
    type Backend: Backend;
}
impl<T, B: Backend> Of for Guard<'_, T, B> {
    type Backend = B;
}

type Stolen = <<ByRawSpinLock<'static, u32> as Enter<TaskCx>>::Guard as Of>::Backend;

//~vv ERROR: is not satisfied
//~v ERROR: is not satisfied
pub fn section(lock: &Lock<u32, Stolen>, task: &TaskCx) {
    let _guard = lock.lock();
    drop(KBox::new(task, 1u32));
}
