// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    percpu::{self, field, CpuLocal, LocalLock},
    prelude::*,
};

pub struct Stats {
    pub packets: CpuLocal<u64>,
    pub sizes: [CpuLocal<u32>; 4],
}

pub fn make(task: &TaskCx, cx: &AtomicCx<'_>) -> Result<PerCpu<CpuLocal<u64>>> {
    PerCpu::<[u8; percpu::MAX_SIZE]>::zeroed(task)?;
    PerCpu::<u64>::zeroed(cx.with(GFP_NOWAIT.nowarn()))?;
    Ok(PerCpu::zeroed(task.with(GFP_KERNEL.noretry().account()))?)
}

pub fn count(_cx: &NmiCx<'_>, stats: &PerCpu<Stats>) -> u64 {
    stats.at(field!(Stats, sizes)).index(1).inc();
    stats.at(field!(Stats, packets)).add_return(2)
}

pub fn pinned(task: &mut TaskCx, seen: &PerCpu<AtomicU32>) -> u32 {
    section!(section = task, preempt_disable());
    let before = seen.get(&section).load(Relaxed);
    let task = section.end();
    before + seen.pin(task, |seen, _cx| seen.load(Relaxed))
}

pub fn locked(cx: &mut AtomicCx<'_>, list: &PerCpu<LocalLock<u32>>) -> u32 {
    list.with(cx, |number, _cx| core::mem::replace(number, 0))
}
