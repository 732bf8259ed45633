// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use kalloc::{context::NmiSafe, nmi_safe, percpu::CpuLocal, prelude::*};

nmi_safe! {
    /// What a handler has.
    pub struct Watch {
        pub seen: AtomicU64,
        pub on_each_cpu: PerCpu<CpuLocal<u64>>,
        pub samples: ObjPool<[u64; 4]>,
        pub limits: RcuCell<[u32; 2]>,
        pub table: KBox<[u32]>,
    }
}

pub fn handler(_cx: &mut NmiCx<'_>, watch: &Watch) {
    watch.seen.fetch_add(1, Relaxed);
    watch.on_each_cpu.this_cpu().inc();
    if let Some(mut sample) = watch.samples.pop() {
        sample[0] = u64::from(watch.table[0]);
    }
}

pub fn register<T: NmiSafe>(_state: &T) {}

pub fn registered(watch: &Watch) {
    register(watch)
}
