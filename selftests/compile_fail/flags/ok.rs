// SPDX-License-Identifier: GPL-2.0

//! Flags that may be combined, each in a context that permits them.

//@check-pass

use kalloc::prelude::*;

pub fn combined(task: &Task) -> Result {
    KBox::<[u8; 64]>::new_uninit(task.with(Kernel.dma()))?;
    Ok(())
}
