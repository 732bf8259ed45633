// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{prelude::*, size::Flex};

pub fn flags(task: &TaskCx) -> Result {
    KBox::new(task.with(GFP_KERNEL.dma()), 1u32)?;
    KBox::new(task.with(GFP_USER), 1u32)?;
    KBox::<u32>::zeroed(task)?;
    Ok(())
}

pub fn realloc(task: &TaskCx, memory: KBox<[u8]>) -> Result<KBox<[u8]>> {
    Ok(memory.resize(task.with(GFP_KERNEL.nowarn()), 100, 0)?)
}

pub fn nofail(task: &TaskCx) -> KBox<[u8; 4096]> {
    let Ok(page) = KBox::zeroed(task.with(GFP_KERNEL.nofail()));
    page
}

pub fn lengths(task: &TaskCx, len: usize) -> Result {
    KBox::from_fn(task, len, |i| i)?;
    Flex::new(task, 1u32, len, |_| 0u8)?;
    Ok(())
}

pub fn largest(task: &TaskCx) -> Result {
    KBox::<[u8; kalloc::kmalloc::MAX_SIZE]>::new_uninit(task)?;
    Ok(())
}
