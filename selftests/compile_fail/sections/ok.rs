// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::prelude::*;
use kernel::sync::SpinLock;

fn sleeps<C: Sleep>(cx: &C) -> Result<KBox<u32>> {
    Ok(KBox::new(cx, 1)?)
}

pub fn closure(task: &mut Task, lock: &SpinLock<u32>) -> Result {
    sleeps(task)?;
    task.locked(lock, |data, cx| -> Result {
        *data += *KBox::new(&cx, 1u32)?;
        Ok(())
    })?;
    sleeps(task)?;
    Ok(())
}

pub fn guard(task: &mut Task, lock: &SpinLock<u32>) -> Result {
    sleeps(task)?;
    {
        let mut held = task.lock(lock);
        let (data, cx) = held.split();
        *data += *KBox::new(&cx, 1u32)?;
    }
    sleeps(task)?;
    Ok(())
}

pub fn grant(task: &mut Task, lock: &SpinLock<u32>) -> Result {
    let grant = task.with(Kernel.account());
    let _first = KBox::new(grant, 1u32)?;
    let _second = KBox::new(grant, 2u32)?;
    task.locked(lock, |data, _| *data += 1);
    Ok(())
}

pub fn all(task: &mut Task) -> Result {
    let number = task.rcu_read(|_, cx| KBox::new(&cx, 1u32))?;
    let number = task.irqs_off(|_| *number + 1);
    let number = task.preempt_off(|_| number + 1);
    let number = task.nofs(|cx| KBox::new(&cx, number))?;
    let number = task.noio(|cx| KBox::new(&cx, *number))?;
    drop(number);
    let mut held = task.rcu_read_lock();
    let mut inner = held.cx().rcu_read_lock();
    let _ = KBox::new(&inner.cx(), 1u32)?;
    Ok(())
}
