// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{prelude::*, size::Flex};

pub fn flags(task: &Task) -> Result {
    KBox::new(task.with(Kernel.dma()), 1u32)?;
    KBox::new(task.with(User), 1u32)?;
    KBox::<u32>::zeroed(task)?;
    Ok(())
}

pub fn realloc(task: &Task, memory: KBox<[u8]>) -> Result<KBox<[u8]>> {
    Ok(memory.resize(task.with(Kernel.nowarn()), 100, 0)?)
}

pub fn nofail(task: &Task) -> KBox<[u8; 4096]> {
    let Ok(page) = KBox::zeroed(task.with(Kernel.nofail()));
    page
}

pub fn lengths(task: &Task, len: usize) -> Result {
    KBox::from_fn(task, len, |i| i)?;
    Flex::new(task, 1u32, len, |_| 0u8)?;
    Ok(())
}

pub fn largest(task: &Task) -> Result {
    KBox::<[u8; kalloc::kmalloc::MAX_SIZE]>::new_uninit(task)?;
    Ok(())
}
