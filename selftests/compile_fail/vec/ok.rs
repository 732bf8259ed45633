// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::prelude::*;

pub fn push(cx: &AtomicCx<'_>, list: &mut KVec<u32>) -> Result {
    list.push(cx, 7)?;
    list.insert(cx.with(GFP_NOWAIT), 0, 7)?;
    list.resize(cx, 10, 7)?;
    Ok(())
}

pub fn grow(task: &TaskCx, list: &mut VVec<u32>, other: &mut KVVec<u32>) -> Result {
    list.reserve(task, 1000)?;
    list.push(task, 7)?;
    Ok(other.extend_from_slice(task.with(GFP_KERNEL.account()), &[1, 2])?)
}

pub fn fill(cx: &AtomicCx<'_>, list: &mut VVec<u32>) -> Result<KVVec<u32>> {
    list.push_within_capacity(7).map_err(|_| ENOMEM)?;
    Ok(KVVec::with_capacity_nonblocking(cx, 7)?)
}

pub fn back(cx: &AtomicCx<'_>, list: &mut KVec<KBox<u32>>, item: KBox<u32>) -> Option<KBox<u32>> {
    list.push(cx, item).err().map(|failed| failed.value)
}

pub fn convert(list: KVec<u32>) -> kernel::alloc::KVec<u32> {
    list.into()
}
