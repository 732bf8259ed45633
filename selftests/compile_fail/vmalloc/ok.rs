// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{kmalloc, prelude::*};

pub fn flags(task: &TaskCx) -> Result {
    VBox::new(task, 1u32)?;
    VBox::new(task.with(GFP_USER.account().noretry()), 1u32)?;
    KVBox::new(task.with(GFP_KERNEL.retry_mayfail()), 1u32)?;
    Ok(())
}

pub fn with_a_lock_held(cx: &AtomicCx<'_>) -> Result {
    VBox::new_nonblocking(cx, 1u32)?;
    VBox::new_nonblocking(cx.with(GFP_NOWAIT), 1u32)?;
    KVBox::<[u8; 10000]>::zeroed_nonblocking(cx)?;
    Ok(())
}

pub fn in_an_interrupt(cx: &IrqCx<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    Ok(())
}

pub fn free(task: &TaskCx, memory: VBox<u32>, key: KVBox<u32>, _dropped: VBox<u32>) {
    memory.free(task);
    key.free_sensitive(task);
}

pub fn realloc(task: &TaskCx, memory: KVBox<[u8]>) -> Result<KVBox<[u8]>> {
    Ok(memory.resize(task.with(GFP_NOFS), 100, 0)?)
}

pub fn nofail(task: &TaskCx) -> KVBox<[u8; kmalloc::MAX_SIZE]> {
    let Ok(memory) = KVBox::zeroed(task.with(GFP_KERNEL.nofail()));
    memory
}

pub fn generic<C: MaySleep>(cx: &C, memory: KBox<u32>) -> Result<KVBox<u32>> {
    VBox::new(cx, 1u32)?;
    Ok(memory.into())
}
