// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's `Arc` with sleeping flags where a spinlock may be held.

use kalloc::prelude::*;
use kernel::sync::Arc;

pub fn allocate(cx: &AtomicCx<'_>) -> Result<Arc<u32>> {
    Ok(Arc::new_with(cx.with(GFP_KERNEL), 7u32)?) //~ ERROR: may sleep
}
