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
//! use kalloc::{dma::{Coherent, DmaDevice}, prelude::*};
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
//!     task: &TaskCx,
//!     pdev: &'bound platform::Device<Core<'_>>,
//! ) -> Result<State<'bound>> {
//!     let dma = DmaDevice::set_mask_and_coherent::<32, _>(task, pdev)?;
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
//! | [`DmaDevice`] | `dma_set_mask()`, `dma_set_coherent_mask()` | once a binding |
//! | [`Coherent`] | `dma_alloc_attrs()` | CPU and device see it at once |
//! | [`Coherent::managed`] | `dmam_alloc_attrs()` | for as long as the binding |
//! | [`Streaming`] | `dma_map_single()` | a buffer of the driver; CPU and device have it in turn |
//! | [`SgTable`] | `dma_map_sgtable()` | as above, in pages that need not follow one another |
//! | [`Noncoherent`] | `dma_alloc_noncoherent()`, `dma_alloc_pages()` | pages for the device; CPU and device have them in turn |
//! | [`DmaPool`] | `dma_pool_create()`, `dma_pool_zalloc()` | small blocks of coherent memory |
//! | [`dma_rmb`], [`dma_wmb`] | `dma_rmb()`, `dma_wmb()` | order what a device sees |
//!
//! # Two kinds of memory
//!
//! Memory that is *shared* ([`Coherent`], blocks of a [`DmaPool`]) has its address from the start, and
//! is read and written by volatile accesses, without references. Memory that is *handed over*
//! ([`DmaBuffer`]) is the CPU's, mapped, or the device's, and has an address for the device only when
//! it is given.
//!
//! What the device may use is not freed before a [`Quiesce`] says that it does not. Dropped earlier, it
//! is kept until the end of the binding: nothing is lost there when bus mastering can be turned off, or
//! the driver has said how to ask ([`BoundScope::quiesce`](crate::driver::BoundScope::quiesce)).

mod buffer;
mod coherent;
mod keep;
mod mask;
mod noncoherent;
mod pool;
mod scatterlist;
mod state;
mod streaming;

pub use buffer::{
    Contiguous,
    DmaBuffer,
    Elements,
    Mapping,
    Unmap, //
};
pub use coherent::{
    Coherent,
    CoherentBackend,
    CoherentView, //
};
pub(crate) use keep::AtEnd;
pub use mask::{
    AllocSinglePages,
    Attrs,
    DmaDevice,
    ForMapping,
    ForceContiguous,
    NoAttrs,
    NoWarn,
    Paged,
    Privileged,
    WeakOrdering,
    WriteCombine, //
};
pub use noncoherent::{
    Element,
    Noncoherent,
    PagesOf, //
};
pub use pool::{
    DmaBlock,
    DmaPool,
    DmaPoolRef, //
};
pub use scatterlist::{
    PageList,
    Segmented,
    Segments,
    SgBuffer,
    SgMapFailed,
    SgTable, //
};
pub use state::{
    Bidirectional,
    Busy,
    CpuOwned,
    CpuReads,
    CpuWrites,
    DeviceOwned,
    Direction,
    FromDevice,
    Mapped,
    MappedRange,
    Quiesce,
    State,
    ToDevice, //
};
pub use streaming::{
    Buffer,
    MapFailed,
    Single,
    Streaming, //
};

#[doc(no_inline)]
pub use kernel::dma::*;

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
