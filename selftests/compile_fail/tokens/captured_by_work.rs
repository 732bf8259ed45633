// SPDX-License-Identifier: GPL-2.0

//! Process context captured by a closure that a workqueue runs.

use kalloc::prelude::*;
use kernel::workqueue::Queue;

pub fn escape(queue: &Queue, task: Task) -> Result {
    //~v ERROR: cannot be sent between threads safely
    queue.try_spawn(GFP_KERNEL, move || {
        let _ = KBox::new(&task, 1u32);
    })?;
    Ok(())
}
