// SPDX-License-Identifier: GPL-2.0

//! Flags that sleep, under a spinlock.

use kalloc::prelude::*;
use kernel::{device::{Bound, Device}, sync::SpinLock};

pub fn make(task: &mut TaskCx, dev: &Device<Bound>, lock: &SpinLock<u32>) {
    task.locked(lock, |value, cx| {
        let _ = Devm::new(cx.with(GFP_KERNEL), dev, *value); //~ ERROR: this may sleep
    });
}
