// SPDX-License-Identifier: GPL-2.0

//! Memory that a device reads and writes: the DMA API.
//!
//! C headers: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h),
//! [`include/linux/dmapool.h`](srctree/include/linux/dmapool.h),
//! [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! A driver's probe says once which addresses the device reaches, and has with that the handle by
//! which everything here is allocated. It lives as long as the binding, and so does no buffer
//! longer:
//!
//! ```
//! use kalloc::{dma::{Coherent, Dma}, prelude::*};
//! use kernel::{device::Core, io::io_read, platform};
//!
//! #[derive(FromBytes, IntoBytes)]
//! #[repr(C)]
//! struct Descriptor { address: u64, length: u32, status: u32 }
//!
//! struct State<'bound> {
//!     ring: Coherent<'bound, [Descriptor]>,
//! }
//!
//! fn probe<'bound>(
//!     task: &Task,
//!     pdev: &'bound platform::Device<Core<'_>>,
//! ) -> Result<State<'bound>> {
//!     let dma = Dma::set_mask_and_coherent::<32, _>(task, pdev)?;
//!     Ok(State { ring: Coherent::zeroed_slice(task, dma, 64)? })
//! }
//!
//! impl State<'_> {
//!     fn is_done(&self, index: usize) -> Result<bool> {
//!         Ok(io_read!(self.ring, [try: index].status) != 0)
//!     }
//! }
//! ```
//!
//! | kalloc | C | |
//! | --- | --- | --- |
//! | [`Dma`] | `dma_set_mask()`, `dma_set_coherent_mask()` | once a binding |
//! | [`Coherent`] | `dma_alloc_attrs()` | CPU and device see it at once |
//! | [`Coherent::managed`] | `dmam_alloc_attrs()` | for as long as the binding |
//! | [`Streaming`] | `dma_map_single()` | a buffer of the driver; CPU or device has it |
//! | [`SgTable`] | `dma_map_sgtable()` | as above, in pages that need not follow one another |
//! | [`Noncoherent`] | `dma_alloc_noncoherent()`, `dma_alloc_pages()` | pages for the device; CPU or device has them |
//! | [`DmaPool`] | `dma_pool_create()`, `dma_pool_zalloc()` | small blocks of coherent memory |
//! | [`dma_rmb`], [`dma_wmb`] | `dma_rmb()`, `dma_wmb()` | order what a device sees |

mod coherent;
mod mask;
mod noncoherent;
mod pool;
mod scatterlist;
mod state;
mod streaming;

pub use coherent::{Coherent, CoherentBackend, CoherentView};
pub use mask::{
    AllocSinglePages, Attrs, Dma, ForMapping, ForceContiguous, NoAttrs, NoWarn, Paged, Privileged,
    WeakOrdering, WriteCombine,
};
pub use noncoherent::Noncoherent;
pub use pool::{DmaBlock, DmaPool, DmaPoolRef};
pub use scatterlist::{PageList, Segments, SgBuffer, SgMapFailed, SgTable};
#[cfg(CONFIG_PCI)]
pub use state::BusMasterOff;
pub use state::{
    Bidirectional, Busy, Cpu, CpuReads, CpuWrites, Device, Direction, Elements, Engine, FromDevice,
    Owner, Range, ToDevice,
};
pub use streaming::{Buffer, MapFailed, Streaming};

#[doc(no_inline)]
pub use kernel::dma::DmaAddress;

use kalloc_bindings::*;

/// No read after it is made before one that came before it: between the flag with which a device
/// says that it is done and the data that it wrote. Wraps `dma_rmb()`.
#[inline(always)]
pub fn dma_rmb() {
    // SAFETY: It has no preconditions.
    unsafe { kalloc_helper_dma_rmb() }
}

/// No write after it is seen before one that came before it: between the data for a device and the
/// flag that hands it over. Wraps `dma_wmb()`.
#[inline(always)]
pub fn dma_wmb() {
    // SAFETY: It has no preconditions.
    unsafe { kalloc_helper_dma_wmb() }
}
