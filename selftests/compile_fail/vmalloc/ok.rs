// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{kmalloc, prelude::*};

pub fn flags(task: &Task) -> Result {
    VBox::new(task, 1u32)?;
    VBox::new(task.with(User.account().noretry()), 1u32)?;
    KVBox::new(task.with(Kernel.retry_mayfail()), 1u32)?;
    Ok(())
}

pub fn with_a_lock_held(cx: &Atomic<'_>) -> Result {
    VBox::new_nonblocking(cx, 1u32)?;
    VBox::new_nonblocking(cx.with(GfpNowait), 1u32)?;
    KVBox::<[u8; 10000]>::zeroed_nonblocking(cx)?;
    Ok(())
}

pub fn in_an_interrupt(cx: &Irq<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    Ok(())
}

pub fn free(task: &Task, memory: VBox<u32>, key: KVBox<u32>, _dropped: VBox<u32>) {
    memory.free(task);
    key.free_sensitive(task);
}

pub fn realloc(task: &Task, memory: KVBox<[u8]>) -> Result<KVBox<[u8]>> {
    Ok(memory.resize(task.with(GfpNoFs), 100, 0)?)
}

pub fn nofail(task: &Task) -> KVBox<[u8; kmalloc::MAX_SIZE]> {
    let Ok(memory) = KVBox::zeroed(task.with(Kernel.nofail()));
    memory
}

pub fn generic<C: Sleep>(cx: &C, memory: KBox<u32>) -> Result<KVBox<u32>> {
    VBox::new(cx, 1u32)?;
    Ok(memory.into())
}
