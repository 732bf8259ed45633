// SPDX-License-Identifier: GPL-2.0

//! Process context captured by a closure that a workqueue runs.

use kalloc::{interop, prelude::*};
use kernel::workqueue::Queue;

pub fn escape(queue: &Queue, task: TaskCx) -> Result {
    let flags = interop::flags(&task);
    //~v ERROR: cannot be sent between threads safely
    queue.try_spawn(flags, move || {
        let _ = KBox::new(&task, 1u32);
    })?;
    Ok(())
}
