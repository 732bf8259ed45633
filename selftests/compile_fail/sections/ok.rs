// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{
    context::InNoFs,
    prelude::*,
    sync::{RawSpinLock, RawSpinLockIrq, RwLock, SpinLockIrq},
};
use kernel::{
    sync::{Completion, CondVar, Mutex, SpinLock},
    time::Delta,
};

fn sleeps<C: MaySleep>(cx: &C) -> Result<KBox<u32>> {
    Ok(KBox::new(cx, 1)?)
}

pub fn closure(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result {
    sleeps(task)?;
    task.locked(lock, |data, cx| -> Result {
        *data += *KBox::new(&cx, 1u32)?;
        Ok(())
    })?;
    sleeps(task)?;
    Ok(())
}

pub fn guard(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result {
    sleeps(task)?;
    {
        section!(held = task, lock(lock));
        let (data, cx) = held.split();
        *data += *KBox::new(&cx, 1u32)?;
    }
    sleeps(task)?;
    Ok(())
}

pub fn grant(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result {
    let grant = task.with(GFP_KERNEL.account());
    let _first = KBox::new(grant, 1u32)?;
    let _second = KBox::new(grant, 2u32)?;
    task.locked(lock, |data, _| *data += 1);
    Ok(())
}

pub fn locks(
    task: &mut TaskCx,
    irq: &SpinLockIrq<u32>,
    rw: &RwLock<u32>,
    raw: &RawSpinLock<u32>,
    raw_irq: &RawSpinLockIrq<u32>,
) -> Result {
    task.locked_irq(irq, |data, cx| -> Result {
        *data += *KBox::new(&cx, 1u32)?;
        Ok(())
    })?;
    task.read_locked(rw, |data, cx| KBox::new(&cx, *data))?;
    task.write_locked(rw, |data, _cx| *data += 1);
    task.raw_locked(raw, |data, cx| cx.raw_locked_irq(raw_irq, |inner, _cx| *inner += *data));
    task.bh_off(|cx| cx.locked_irq(irq, |data, _cx| *data += 1));
    sleeps(task)?;
    Ok(())
}

pub fn waits(task: &mut TaskCx, mutex: &Mutex<u32>, changed: &CondVar, done: &Completion) -> Result {
    task.mutex_locked(mutex, |data, task| -> Result {
        while **data == 0 {
            task.wait(changed, data);
        }
        sleeps(task)?;
        Ok(())
    })?;
    let guard = task.mutex_lock(mutex);
    task.wait_for_completion(done);
    task.synchronize_rcu();
    task.cond_resched();
    task.fsleep(Delta::from_millis(1));
    task.irqs_off(|_cx| drop(guard));
    Ok(())
}

fn inside<C: InNoFs>(cx: &C) -> Result<KBox<u32>> {
    sleeps(cx)
}

pub fn scopes(task: &mut TaskCx) -> Result {
    task.nofs(|cx| inside(cx))?;
    task.noio(|cx| inside(cx))?;
    task.noreclaim(|cx| sleeps(cx))?;
    task.noreclaim(|cx| cx.nofs(|cx| KBox::new(cx.with(GFP_NOIO.nomemalloc()), 1u32)))?;
    let Ok(_number) = KBox::new(task.with(GFP_KERNEL.nofail()), 1u32);
    Ok(())
}

pub fn all(task: &mut TaskCx) -> Result {
    let number = task.rcu_read(|_, cx| KBox::new(&cx, 1u32))?;
    let number = task.irqs_off(|_| *number + 1);
    let number = task.preempt_off(|_| number + 1);
    let number = task.nofs(|cx| KBox::new(&cx, number))?;
    let number = task.noio(|cx| KBox::new(&cx, *number))?;
    drop(number);
    section!(held = task, rcu_read_lock());
    section!(inner = held.cx(), rcu_read_lock());
    let _ = KBox::new(&inner.cx(), 1u32)?;
    Ok(())
}
