// SPDX-License-Identifier: GPL-2.0

// C's calls of Linux 7.3 that other series have in another form.

#[cfg(not(CONFIG_MEM_ALLOC_PROFILING))]
pub use kernel::bindings::alloc_pages_node_noprof as alloc_pages_node;

/// The variants of C's enums.
pub mod enums {
    use kernel::bindings::{dma_data_direction, hrtimer_restart};

    pub const DMA_BIDIRECTIONAL: dma_data_direction = dma_data_direction::DMA_BIDIRECTIONAL;
    pub const DMA_TO_DEVICE: dma_data_direction = dma_data_direction::DMA_TO_DEVICE;
    pub const DMA_FROM_DEVICE: dma_data_direction = dma_data_direction::DMA_FROM_DEVICE;
    pub const HRTIMER_NORESTART: hrtimer_restart = hrtimer_restart::HRTIMER_NORESTART;
    pub const HRTIMER_RESTART: hrtimer_restart = hrtimer_restart::HRTIMER_RESTART;
}
