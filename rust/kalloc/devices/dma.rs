// SPDX-License-Identifier: GPL-2.0

//! The DMA API: memory that a device reads and writes.
//!
//! C headers: [`include/linux/dma-mapping.h`](srctree/include/linux/dma-mapping.h),
//! [`include/linux/dmapool.h`](srctree/include/linux/dmapool.h),
//! [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! The page [DMA](pages/dma.html) says more.
//!
//! A driver's probe sets the device's DMA masks once and gets a [`DmaDevice`], the handle that
//! every allocation here takes. The handle and its buffers are valid until the device is unbound:
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
//! | [`DmaDevice`] | `dma_set_mask()`, `dma_set_coherent_mask()` | once for each binding |
//! | [`Coherent`] | `dma_alloc_attrs()` | CPU and device access it concurrently |
//! | [`Coherent::managed`] | `dmam_alloc_attrs()` | freed when the device is unbound |
//! | [`Streaming`] | `dma_map_single()` | a buffer of the driver; CPU and device access it in turn |
//! | [`SgTable`] | `dma_map_sgtable()` | as above, in discontiguous pages |
//! | [`Noncoherent`] | `dma_alloc_noncoherent()`, `dma_alloc_pages()` | pages for the device; CPU and device access them in turn |
//! | [`DmaPool`] | `dma_pool_create()`, `dma_pool_zalloc()` | small blocks of coherent memory |
//! | [`dma_rmb`], [`dma_wmb`] | `dma_rmb()`, `dma_wmb()` | barriers for coherent memory |
//!
//! # Two kinds of memory
//!
//! *Shared* memory ([`Coherent`], blocks of a [`DmaPool`]) has a DMA address from its allocation
//! on. It is accessed by volatile reads and writes, without references. Memory with *ownership*
//! ([`DmaBuffer`]) is owned by the CPU, mapped, or owned by the device. The driver gets its DMA
//! address when it gives the memory to the device.
//!
//! Memory that the device may use is not freed before a [`Quiesce`] reports that the device is
//! idle. Memory that is dropped earlier is kept until the device is unbound. Then it is freed, if
//! bus mastering can be turned off, or if the driver has registered a
//! [`BoundScope::quiesce`](crate::driver::BoundScope::quiesce).

mod buffer;
mod coherent;
mod elements;
mod keep;
mod mapping;
mod mask;
mod noncoherent;
mod pool;
mod scatterlist;
mod state;
mod streaming;

pub use buffer::DmaBuffer;
pub use coherent::{
    Coherent,
    CoherentView, //
};
pub(crate) use keep::AtEnd;
pub use mapping::Mapping;
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
pub use crate::series::dma::*;

use kalloc_bindings::*;

/// Orders reads before and after it, as the device sees memory: between reading the flag by which a
/// device signals completion and reading the data that it wrote. Wraps `dma_rmb()`.
#[inline(always)]
pub fn dma_rmb() {
    // SAFETY: `dma_rmb()` has no preconditions.
    unsafe { kalloc_helper_dma_rmb() }
}

/// Orders writes before and after it, as the device sees memory: between writing data for a device
/// and writing the flag that makes the device read it. Wraps `dma_wmb()`.
#[inline(always)]
pub fn dma_wmb() {
    // SAFETY: `dma_wmb()` has no preconditions.
    unsafe { kalloc_helper_dma_wmb() }
}
