// SPDX-License-Identifier: GPL-2.0

//! A part of test modules that test DMA: what the kernel did for a device.

// No test module uses all of it.
#![allow(dead_code)]

use crate::testlib::{c, check, check_eq, Stop};
use kalloc::prelude::*;
use kernel::bindings;

pub(crate) const ALLOC: u32 = c::TESTLIB_DMA_ALLOC;
pub(crate) const FREE: u32 = c::TESTLIB_DMA_FREE;
pub(crate) const ALLOC_PAGES: u32 = c::TESTLIB_DMA_ALLOC_PAGES;
pub(crate) const FREE_PAGES: u32 = c::TESTLIB_DMA_FREE_PAGES;
pub(crate) const MAP: u32 = c::TESTLIB_DMA_MAP;
pub(crate) const UNMAP: u32 = c::TESTLIB_DMA_UNMAP;
pub(crate) const SYNC_FOR_CPU: u32 = c::TESTLIB_DMA_SYNC_FOR_CPU;
pub(crate) const SYNC_FOR_DEVICE: u32 = c::TESTLIB_DMA_SYNC_FOR_DEVICE;
pub(crate) const MAP_SG: u32 = c::TESTLIB_DMA_MAP_SG;
pub(crate) const UNMAP_SG: u32 = c::TESTLIB_DMA_UNMAP_SG;
pub(crate) const SYNC_SG_FOR_CPU: u32 = c::TESTLIB_DMA_SYNC_SG_FOR_CPU;
pub(crate) const SYNC_SG_FOR_DEVICE: u32 = c::TESTLIB_DMA_SYNC_SG_FOR_DEVICE;

/// What the DMA API did for a device between a start and a stop: so many events.
pub(crate) struct Seen(usize);

impl Seen {
    pub(crate) fn start(dev: *const bindings::device) {
        // SAFETY: It has no preconditions.
        unsafe { c::testlib_dma_trace_start(dev.cast()) }
    }

    pub(crate) fn stop() -> Self {
        // SAFETY: It was started.
        Self(unsafe { c::testlib_dma_trace_stop() })
    }

    /// What was seen before the last stop.
    pub(crate) fn last() -> Self {
        // SAFETY: It has no preconditions.
        let event = |index| unsafe { c::testlib_dma_trace_event(index) };
        Self((0..64).take_while(|index| event(*index).size != 0).count())
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = c::testlib_dma_event> {
        // SAFETY: It has no preconditions.
        (0..self.0).map(|index| unsafe { c::testlib_dma_trace_event(index) })
    }

    pub(crate) fn of(&self, kind: u32) -> impl Iterator<Item = c::testlib_dma_event> {
        self.events().filter(move |event| event.kind == kind)
    }

    pub(crate) fn count(&self, kind: u32) -> usize {
        self.of(kind).count()
    }

    /// The allocation, where nothing else was allocated and it was freed once.
    pub(crate) fn only(&self) -> Result<c::testlib_dma_event, Stop> {
        let alloc = self.of(ALLOC).next().ok_or(Stop::Fail)?;
        check_eq!(self.count(ALLOC), 1);
        check_eq!(self.count(FREE), 1);
        check!(self.of(FREE).all(|free| free.handle == alloc.handle
            && free.size == alloc.size
            && free.attrs == alloc.attrs));
        Ok(alloc)
    }
}
