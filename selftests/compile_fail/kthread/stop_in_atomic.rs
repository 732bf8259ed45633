// SPDX-License-Identifier: GPL-2.0

//! Waits for a thread with a spinlock held.

use kalloc::{kthread::Kthread, prelude::*};

pub fn misuse(cx: &mut AtomicCx<'_>, thread: Kthread<()>) {
    drop(thread.stop(cx)); //~ ERROR: this may sleep, which
}
