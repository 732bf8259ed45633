// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{interop, prelude::*};
use kernel::sync::SpinLock;

fn helper(task: &mut TaskCx) -> Result<KBox<u32>> {
    Ok(KBox::new(&task, 1)?)
}

pub fn lent(mut task: TaskCx) -> Result {
    helper(&mut task)?;
    let by_reference = &mut task;
    helper(by_reference)?;
    helper(by_reference)?;
    Ok(())
}

pub fn result_leaves_the_section(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result<KBox<u32>> {
    Ok(task.locked(lock, |data, cx| KBox::new(&cx, *data))?)
}

pub fn through_a_generic<C: Context>(cx: &mut C) -> u32 {
    cx.rcu_read(|_, _| 1)
}

pub fn sent(queue: &kernel::workqueue::Queue, task: &TaskCx) -> Result {
    let number = KBox::new(task, 1u32)?;
    queue.try_spawn(interop::flags(task), move || drop(number))?;
    Ok(())
}
