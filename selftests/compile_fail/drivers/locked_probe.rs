// SPDX-License-Identifier: GPL-2.0

//! Probe sleeps under a spinlock.

use kalloc::prelude::*;
use kernel::sync::SpinLock;

pub fn probe<'a>(task: &'a mut TaskCx, lock: &'a SpinLock<u32>) -> impl PinInit<KBox<u32>, Error> + 'a {
    pin_init::pin_init_scope(move || {
        let inside = task.locked(lock, |value, _cx| KBox::new(&task, *value)); //~ ERROR: cannot borrow `*task` as
        Ok::<_, Error>(inside.map_err(Error::from))
    })
}
