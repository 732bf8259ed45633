// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{prelude::*, sync::ReadSide};
use kernel::{revocable::Revocable, sync::rcu};

pub fn make(cx: &AtomicCx<'_>) -> Result<RcuCell<[u32; 4]>> {
    Ok(RcuCell::new(RcuBox::new(cx, [0; 4])?))
}

pub fn read(task: &mut TaskCx, cell: &RcuCell<[u32; 4]>) -> u32 {
    task.rcu_read(|guard, _cx| cell.load(guard).map_or(0, |value| value[0]))
}

pub fn replace(task: &TaskCx, cell: &RcuCell<[u32; 4]>) -> Result {
    if let Some(old) = cell.swap(Some(RcuBox::new(task, [1; 4])?)) {
        old.free(task);
    }
    Ok(())
}

pub fn dropped_under_a_reader(task: &mut TaskCx, value: RcuBox<u32>) -> u32 {
    task.rcu_read(|guard, _cx| {
        let number = value.read(guard);
        drop(value);
        *number
    })
}

pub fn in_a_section(task: &mut TaskCx, cell: &RcuCell<u32>) -> u32 {
    section!(section = task, rcu_read_lock());
    let (side, _cx) = section.split();
    cell.load(side).map_or(0, |value| *value)
}

pub fn helper<'g>(side: &'g ReadSide, cell: &RcuCell<u32>) -> Option<&'g u32> {
    let _kernels: &rcu::Guard = side;
    cell.load(side)
}

pub fn revocable(task: &mut TaskCx, value: &Revocable<u32>) -> Option<u32> {
    task.rcu_read(|side, _cx| value.try_access_with_guard(side).copied())
}
