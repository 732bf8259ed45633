// SPDX-License-Identifier: GPL-2.0

//! Memory that the device may still use when its owner drops it: kept until the end of the binding
//! (`helpers/dma_kept.c`).

use super::{
    state::MappedRange,
    DmaAddress,
    Mapping,
    Quiesce, //
};
use crate::ground::sealed::Sealed;
use core::ptr;
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        dma_data_direction, //
    },
    device::{
        Bound,
        Device, //
    },
    error::{
        code::EINVAL,
        Error, //
    },
    ffi::{
        c_uint,
        c_ulong,
        c_void, //
    },
    prelude::PinInit, //
};

/// How the memory under a mapping is freed: whose it is.
///
/// It owns the memory, and does nothing when it is dropped. It is data, not a function of the driver:
/// the module that dropped the memory may be gone before the binding ends.
#[derive(Debug)]
pub struct Backing {
    kind: c_uint,
    memory: *mut c_void,
    count: usize,
}

impl Sealed for Backing {}

impl Backing {
    /// Memory of kmalloc or vmalloc.
    pub(super) fn kvmalloc(memory: *mut c_void) -> Self {
        Self {
            kind: kalloc_dma_backing_KALLOC_DMA_BACKING_KVMALLOC,
            memory,
            count: 0,
        }
    }

    /// Pages of that order.
    pub(super) fn pages(memory: *mut u8, order: u32) -> Self {
        Self {
            kind: kalloc_dma_backing_KALLOC_DMA_BACKING_PAGES,
            memory: memory.cast(),
            count: order as usize,
        }
    }

    /// Pages of `alloc_pages_exact()`.
    pub(super) fn exact(memory: *mut [u8]) -> Self {
        Self {
            kind: kalloc_dma_backing_KALLOC_DMA_BACKING_EXACT,
            memory: memory.cast(),
            count: memory.len(),
        }
    }

    /// Blocks of pages: each word is the address of one, with its order in the low bits. The words are
    /// memory of kmalloc.
    pub(super) fn blocks(words: *mut usize, len: usize) -> Self {
        Self {
            kind: kalloc_dma_backing_KALLOC_DMA_BACKING_BLOCKS,
            memory: words.cast(),
            count: len,
        }
    }

    pub(super) fn write(self, kept: &mut kalloc_dma_kept) {
        kept.backing = self.kind;
        kept.memory = self.memory;
        kept.count = self.count;
    }
}

/// An entry about so much memory of a device.
pub(super) fn entry(dev: &Device<Bound>, address: DmaAddress, size: usize) -> kalloc_dma_kept {
    kalloc_dma_kept {
        dev: as_raw(dev),
        address,
        size,
        // SAFETY: It is numbers and pointers, for all of which zero is a value.
        ..unsafe { core::mem::zeroed() }
    }
}

/// Keeps what the device may use until the end of its binding.
///
/// # Safety
///
/// The entry says how to unmap and free memory that nobody else owns from here on.
#[cold]
#[inline(never)]
pub(super) unsafe fn keep(mut kept: kalloc_dma_kept) {
    kept.told = true;
    // SAFETY: By the contract of this function. Where there is no memory for it, which the log says,
    // what it is about stays as it is.
    unsafe { kalloc_helper_dma_keep(&kept) };
}

/// Keeps a mapping that the device may use, with its memory.
#[cold]
#[inline(never)]
pub(super) fn mapping<M: Mapping>(
    memory: M,
    dev: &Device<Bound>,
    dir: dma_data_direction,
    attrs: c_ulong,
) {
    let mut kept = entry(dev, memory.address(), memory.size());
    kept.dir = dir;
    kept.attrs = attrs;
    memory.into_kept(&mut kept);
    // SAFETY: By the contract of `Mapping`, and `into_kept` took the memory.
    unsafe { keep(kept) };
}

#[inline(always)]
fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is transparent over `struct device`.
    ptr::from_ref(dev).cast_mut().cast()
}

/// Asks a driver's [`Quiesce`] when it is dropped, at the end of the binding of the device `dev`:
/// about all memory, and if that is not idle about each piece that is kept.
///
/// # Invariants
///
/// `dev` is bound, and this is dropped in process context. Whatever device `quiesce` names later, it is
/// `dev` that is meant.
pub(crate) struct AtEnd<Q: Quiesce> {
    quiesce: Q,
    dev: *mut bindings::device,
}

// SAFETY: A device may be used from every thread.
unsafe impl<Q: Quiesce + Send> Send for AtEnd<Q> {}

impl<Q: Quiesce> AtEnd<Q> {
    /// `EINVAL` where `quiesce` is of another device than `dev`.
    ///
    /// An initialiser, because a value would ask when it is dropped: where there is no memory for one,
    /// there must be none.
    ///
    /// # Safety
    ///
    /// `dev` is bound, and what is initialised is dropped before the end of its binding, in process
    /// context.
    pub(crate) unsafe fn new(quiesce: Q, dev: *mut bindings::device) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            if !is_of(&quiesce, dev) {
                return Err(EINVAL);
            }
            // INVARIANT: By the contract of this function.
            Ok(Ok::<_, Error>(Self { quiesce, dev }))
        })
    }
}

/// What it says counts for its own device alone.
fn is_of(quiesce: &impl Quiesce, dev: *mut bindings::device) -> bool {
    ptr::eq(as_raw(quiesce.device()), dev)
}

impl<Q: Quiesce> Drop for AtEnd<Q> {
    fn drop(&mut self) {
        let dev = self.dev;
        if !is_of(&self.quiesce, dev) {
            return;
        }
        // SAFETY: `Device` is transparent over `struct device`, and by the invariant the device is bound.
        let device = unsafe { &*dev.cast::<Device<Bound>>() };
        if self.quiesce.is_idle(MappedRange::all(device)) {
            // SAFETY: The device is bound, and this is process context.
            unsafe { kalloc_helper_dma_binding_is_idle(dev) };
            return;
        }
        let mut context = Context {
            quiesce: &mut self.quiesce,
            device,
        };
        // SAFETY: The device is bound, this is process context, and `is_idle` is called with the
        // context before this returns.
        unsafe {
            kalloc_helper_dma_ask(dev, Some(is_idle::<Q>), ptr::from_mut(&mut context).cast())
        };
    }
}

struct Context<'a, Q> {
    quiesce: &'a mut Q,
    device: &'a Device<Bound>,
}

/// # Safety
///
/// `context` is a `Context<Q>` that nobody else uses meanwhile.
unsafe extern "C" fn is_idle<Q: Quiesce>(
    context: *mut c_void,
    address: DmaAddress,
    size: usize,
) -> bool {
    // SAFETY: By the contract of this function.
    let context = unsafe { &mut *context.cast::<Context<'_, Q>>() };
    context.quiesce.is_idle(MappedRange {
        dev: context.device,
        address,
        size,
    })
}
