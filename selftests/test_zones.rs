// SPDX-License-Identifier: GPL-2.0

//! Pages of the zone and of the node that was asked for. `host/zones.sh` runs these tests on a
//! machine where both make a difference.

use kalloc::{gfp::*, page::*, prelude::*};
use kernel::{bindings::gfp_t, page::PAGE_SIZE};
use testlib::{c, check, check_eq, pages_traced, Outcome, Stop};

#[path = "testlib.rs"]
mod testlib;

testlib::tests! {
    "test_zones":
    dma_memory_is_below_16_mib,
    dma32_memory_is_below_4_gib,
    memory_of_each_node,
}

fn bits<F: Gfp>(_: F) -> gfp_t {
    F::BITS
}

/// Whether memory is above `limit` when nothing is said of it.
fn usually_above(task: &Task, limit: u64) -> Result<bool, Stop> {
    Ok(Pages::new_uninit(task, Order::<0>)?.phys() >= limit)
}

fn dma_memory_is_below_16_mib(task: &mut Task) -> Outcome {
    if cfg!(not(CONFIG_ZONE_DMA)) {
        return Err(Stop::Skip("no ZONE_DMA"));
    }
    const LIMIT: u64 = 16 << 20;
    let pages = Pages::new_uninit(task.with(Kernel.dma()), Order::<4>)?;
    check!(pages.phys() + pages.size() as u64 <= LIMIT);
    check!(PageMem::zeroed(task.with(GfpAtomic.dma()), Order::<0>)?.phys() < LIMIT);
    check!(ExactPages::zeroed(task.with(Kernel.dma()), 3 * PAGE_SIZE)?.phys() < LIMIT);
    let mut bulk = [const { None }; 4];
    check!(alloc_bulk(task.with(Kernel.dma()), &mut bulk) > 0);
    check!(bulk.iter().flatten().all(|page| page.phys() < LIMIT));
    // It is not so by luck.
    check!(usually_above(task, LIMIT)?);
    Ok(())
}

fn dma32_memory_is_below_4_gib(task: &mut Task) -> Outcome {
    const LIMIT: u64 = 4 << 30;
    if !usually_above(task, LIMIT)? {
        return Err(Stop::Skip("no memory above 4 GiB"));
    }
    let mut kept = [const { None }; 64];
    for place in &mut kept {
        let pages = Pages::new_uninit(task.with(Kernel.dma32()), Order::<4>)?;
        check!(pages.phys() + pages.size() as u64 <= LIMIT);
        *place = Some(pages);
    }
    check!(PageMem::zeroed(task.with(GfpAtomic.dma32()), Order::<0>)?.phys() < LIMIT);
    check!(ExactPages::zeroed(task.with(User.dma32()), 3 * PAGE_SIZE)?.phys() < LIMIT);
    let mut bulk = [const { None }; 4];
    check!(alloc_bulk(task.with(Kernel.dma32()), &mut bulk) > 0);
    check!(bulk.iter().flatten().all(|page| page.phys() < LIMIT));
    Ok(())
}

fn memory_of_each_node(task: &mut Task) -> Outcome {
    let mut nodes = 0;
    for node in (0..64).filter_map(|id| Node::new(id).ok()) {
        nodes += 1;
        let grant = || task.with(Kernel.thisnode()).on(node);
        check_eq!(Pages::new_uninit(grant(), Order::<2>)?.nid(), node.id());
        check_eq!(Pages::zeroed(grant(), AnyOrder::new(1)?)?.nid(), node.id());
        let memory = PageMem::zeroed(grant(), Order::<1>)?;
        // SAFETY: It is kernel memory.
        let nid = unsafe { c::testlib_node(memory.as_ptr().cast()) };
        check_eq!(nid, node.id());
        let before = pages_traced(|| ExactPages::zeroed(grant(), 3 * PAGE_SIZE));
        let (exact, trace) = (before.0?, before.1);
        // SAFETY: It is kernel memory.
        check_eq!(unsafe { c::testlib_node(exact.as_ptr().cast()) }, node.id());
        check_eq!(exact.len(), 3 * PAGE_SIZE);
        let pfn = exact.phys() as usize / PAGE_SIZE;
        check_eq!(
            trace.allocation(pfn),
            Some((bits(Kernel.thisnode().zeroed()), 2))
        );
        check_eq!(trace.frees(pfn + 3, 0), 1);
        let ((), trace) = pages_traced(|| drop(exact));
        check!((pfn..pfn + 3).all(|pfn| trace.frees(pfn, 0) == 1));
        let mut bulk = [const { None }; 8];
        check!(alloc_bulk(grant(), &mut bulk) > 0);
        check!(bulk.iter().flatten().all(|page| page.nid() == node.id()));
    }
    check!(nodes > 0);
    pr_info!("# {} nodes\n", nodes);
    Ok(())
}
