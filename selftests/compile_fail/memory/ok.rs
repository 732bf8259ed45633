// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::prelude::*;

pub fn freed_once(memory: KBox<u32>) {
    drop(memory);
}

pub fn freed_sensitively(key: KBox<[u8; 32]>) {
    key.free_sensitive();
}

pub fn handed_over(memory: KBox<u32>) -> kernel::alloc::KBox<u32> {
    memory.into()
}

pub fn initialised(task: &TaskCx) -> Result<u32> {
    let slot = KBox::<u32>::new_uninit(task)?;
    let memory = slot.write(7);
    Ok(*memory)
}

pub fn zeroes(task: &TaskCx) -> Result<KBox<[u64; 8]>> {
    Ok(KBox::zeroed(task)?)
}

pub fn resized(task: &TaskCx, memory: KBox<[u8]>) -> Result<usize> {
    let memory = memory.resize(task, 10, 0)?;
    Ok(memory.len())
}

pub fn given_back(task: &TaskCx, memory: KBox<[u8]>) -> KBox<[u8]> {
    match memory.resize(task, 10, 0) {
        Ok(longer) => longer,
        Err(failed) => failed.value,
    }
}

pub fn sent(memory: KBox<u32>) -> impl Send {
    memory
}

pub fn lent(memory: &KBox<u32>) -> &u32 {
    memory
}
