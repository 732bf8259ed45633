// SPDX-License-Identifier: GPL-2.0

// C's calls of Linux 7.2 that other series have in another form.

// An inline function until 7.3.
#[cfg(not(CONFIG_MEM_ALLOC_PROFILING))]
pub use crate::kalloc_helper_alloc_pages_node as alloc_pages_node;

/// The variants of C's enums, which are numbers until 7.3.
pub mod enums {
    pub use kernel::bindings::{
        dma_data_direction_DMA_BIDIRECTIONAL as DMA_BIDIRECTIONAL,
        dma_data_direction_DMA_FROM_DEVICE as DMA_FROM_DEVICE,
        dma_data_direction_DMA_TO_DEVICE as DMA_TO_DEVICE,
        hrtimer_restart_HRTIMER_NORESTART as HRTIMER_NORESTART,
        hrtimer_restart_HRTIMER_RESTART as HRTIMER_RESTART,
    };
}
