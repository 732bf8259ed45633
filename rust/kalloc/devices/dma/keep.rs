// SPDX-License-Identifier: GPL-2.0

//! Keeps memory that a device may still use when it is dropped, until the device is unbound. The
//! list is in `helpers/dma_kept.c`.

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

/// How to free the memory under a mapping.
///
/// Owns the memory, and leaks it when dropped. This is data, not a function of the driver: the
/// module may be unloaded before the device is unbound.
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

    /// Pages of an order.
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

    /// Blocks of pages. Each word is the address of a block with its order in the low bits. The
    /// words are memory of kmalloc.
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

/// An entry for `size` bytes of memory of a device.
pub(super) fn entry(dev: &Device<Bound>, address: DmaAddress, size: usize) -> kalloc_dma_kept {
    kalloc_dma_kept {
        dev: as_raw(dev),
        address,
        size,
        // SAFETY: All fields are integers, booleans and pointers, for which zero is valid.
        ..unsafe { core::mem::zeroed() }
    }
}

/// Keeps memory that the device may use until it is unbound.
///
/// # Safety
///
/// The entry says how to unmap and free memory that has no other owner.
#[cold]
#[inline(never)]
pub(super) unsafe fn keep(mut kept: kalloc_dma_kept) {
    kept.told = true;
    // SAFETY: `# Safety`: the entry describes owned memory. If its own allocation fails, the kernel
    // logs that and the memory is leaked.
    unsafe { kalloc_helper_dma_keep(&kept) };
}

/// Keeps a mapping that the device may use, and its memory.
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
    // SAFETY: `into_kept` moved the ownership of the memory to the entry (contract of `Mapping`).
    unsafe { keep(kept) };
}

#[inline(always)]
fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is transparent over `struct device`.
    ptr::from_ref(dev).cast_mut().cast()
}

/// Asks a driver's [`Quiesce`] when dropped, as the device `dev` is unbound: about all memory, and
/// if that is not idle about each kept range.
///
/// # Invariants
///
/// `dev` is bound, and this is dropped in process context. The answers of `quiesce` count only
/// while it names `dev`.
pub(crate) struct AtEnd<Q: Quiesce> {
    quiesce: Q,
    dev: *mut bindings::device,
}

// SAFETY: Any thread may use a `struct device`.
unsafe impl<Q: Quiesce + Send> Send for AtEnd<Q> {}

impl<Q: Quiesce> AtEnd<Q> {
    /// `EINVAL` if `quiesce` is for another device than `dev`.
    ///
    /// Returns an initialiser, since dropping a value asks `quiesce`: if the allocation fails,
    /// there must be no value.
    ///
    /// # Safety
    ///
    /// `dev` is bound. The initialised value is dropped before `dev` is unbound, in process
    /// context.
    pub(crate) unsafe fn new(quiesce: Q, dev: *mut bindings::device) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            if !is_of(&quiesce, dev) {
                return Err(EINVAL);
            }
            // INVARIANT: `# Safety`: `dev` is bound, and the value is dropped in process context.
            Ok(Ok::<_, Error>(Self { quiesce, dev }))
        })
    }
}

/// Whether `quiesce` is for `dev`.
fn is_of(quiesce: &impl Quiesce, dev: *mut bindings::device) -> bool {
    ptr::eq(as_raw(quiesce.device()), dev)
}

impl<Q: Quiesce> Drop for AtEnd<Q> {
    fn drop(&mut self) {
        let dev = self.dev;
        if !is_of(&self.quiesce, dev) {
            return;
        }
        // SAFETY: `Device` is transparent over `struct device`. Invariant of `AtEnd`: `dev` is
        // bound.
        let device = unsafe { &*dev.cast::<Device<Bound>>() };
        if self.quiesce.is_idle(MappedRange::all(device)) {
            // SAFETY: The device is bound, and this is process context (invariant of `AtEnd`).
            unsafe { kalloc_helper_dma_binding_is_idle(dev) };
            return;
        }
        let mut context = Context {
            quiesce: &mut self.quiesce,
            device,
        };
        // SAFETY: The device is bound, and this is process context (invariant of `AtEnd`).
        // `is_idle` is called with `context` only before this returns.
        unsafe {
            kalloc_helper_dma_ask(dev, Some(is_idle::<Q>), ptr::from_mut(&mut context).cast())
        };
    }
}

struct Context<'a, Q> {
    quiesce: &'a mut Q,
    device: &'a Device<Bound>,
}

/// The callback of `kalloc_helper_dma_ask()`.
///
/// # Safety
///
/// `context` is a `Context<Q>` without another user during the call.
unsafe extern "C" fn is_idle<Q: Quiesce>(
    context: *mut c_void,
    address: DmaAddress,
    size: usize,
) -> bool {
    // SAFETY: `# Safety`: `context` is a `Context<Q>`, used exclusively.
    let context = unsafe { &mut *context.cast::<Context<'_, Q>>() };
    context.quiesce.is_idle(MappedRange {
        dev: context.device,
        address,
        size,
    })
}
