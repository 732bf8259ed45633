// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::prelude::*;

pub fn zones(task: &Task) {
    let _ = task.with(Kernel.dma());
    let _ = task.with(Kernel.dma32());
    let _ = task.with(User.highmem());
    let _ = task.with(HighUser);
}

pub fn when_memory_is_short(task: &Task) {
    let _ = task.with(Kernel.noretry());
    let _ = task.with(Kernel.retry_mayfail());
    let _ = task.with(GfpNoIo.nofail());
    let _ = task.with(Kernel.thisnode());
}

pub fn mobility(task: &Task) {
    let _ = task.with(Kernel.movable());
    let _ = task.with(Kernel.reclaimable());
    let _ = task.with(HighUserMovable);
}

pub fn together(task: &Task) {
    let _ = task.with(
        Kernel
            .account()
            .nowarn()
            .nomemalloc()
            .hardwall()
            .comp()
            .zeroed()
            .noretry()
            .dma()
            .reclaimable(),
    );
}
