// SPDX-License-Identifier: GPL-2.0

//! Waiting for a high-resolution timer, an irq_work and a handler of NMIs with a lock held.

use kalloc::{
    hrtimer::{Expire, HrTimer, Mode},
    irq_work::{IrqWork, Run},
    nmi,
    prelude::*,
};

pub fn timer<T: Expire<M>, M: Mode>(timer: HrTimer<T, M>, cx: &AtomicCx<'_>) {
    timer.free(cx) //~ ERROR: may sleep
}

pub fn work<T: Run>(work: IrqWork<T>, cx: &AtomicCx<'_>) {
    work.free(cx) //~ ERROR: may sleep
}

pub fn handler<T: nmi::Handler>(handler: nmi::Registration<T>, cx: &AtomicCx<'_>) {
    handler.free(cx) //~ ERROR: may sleep
}
