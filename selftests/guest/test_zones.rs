// SPDX-License-Identifier: GPL-2.0

//! Memory of the zone and of the node that was asked for. `host/zones.sh` runs these tests on a
//! machine where both make a difference.

use kalloc::{gfp::*, mempool::*, page::*, prelude::*, slab::*};
use kernel::{bindings::gfp_t, page::PAGE_SIZE};
use testlib::{c, check, check_eq, pages_traced, traced, Outcome, Stop};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_zones":
    dma_memory_is_of_its_zone,
    dma32_memory_is_below_4_gib,
    dma32_objects_are_below_4_gib,
    memory_of_each_node,
    objects_of_each_node,
    growing_on_each_node,
    pools_of_each_node,
}

fn bits<F: Gfp>(_: F) -> gfp_t {
    F::BITS
}

/// Whether memory is above `limit` when nothing is said of it.
fn usually_above(task: &TaskCx, limit: u64) -> Result<bool, Stop> {
    Ok(Pages::new_uninit(task, Order::<0>)?.phys() >= limit)
}

fn dma_memory_is_of_its_zone(task: &mut TaskCx) -> Outcome {
    if cfg!(not(CONFIG_ZONE_DMA)) {
        return Err(Stop::Skip("no ZONE_DMA"));
    }
    const LIMIT: u64 = testlib::ZONE_DMA_END;
    if cfg!(not(CONFIG_X86)) && !usually_above(task, LIMIT)? {
        return Err(Stop::Skip("no memory above ZONE_DMA"));
    }
    let pages = Pages::new_uninit(task.with(GFP_KERNEL.dma()), Order::<4>)?;
    check!(pages.phys() + pages.size() as u64 <= LIMIT);
    check!(FreePages::zeroed(task.with(GFP_ATOMIC.dma()), Order::<0>)?.phys() < LIMIT);
    check!(ExactPages::zeroed(task.with(GFP_KERNEL.dma()), 3 * PAGE_SIZE)?.phys() < LIMIT);
    let mut bulk = [const { None }; 4];
    check!(alloc_bulk(task.with(GFP_KERNEL.dma()), &mut bulk) > 0);
    check!(bulk.iter().flatten().all(|page| page.phys() < LIMIT));
    // It is not so by luck.
    check!(usually_above(task, LIMIT)?);
    Ok(())
}

fn dma32_memory_is_below_4_gib(task: &mut TaskCx) -> Outcome {
    const LIMIT: u64 = 4 << 30;
    if !usually_above(task, LIMIT)? {
        return Err(Stop::Skip("no memory above 4 GiB"));
    }
    let mut kept = [const { None }; 64];
    for place in &mut kept {
        let pages = Pages::new_uninit(task.with(GFP_KERNEL.dma32()), Order::<4>)?;
        check!(pages.phys() + pages.size() as u64 <= LIMIT);
        *place = Some(pages);
    }
    check!(FreePages::zeroed(task.with(GFP_ATOMIC.dma32()), Order::<0>)?.phys() < LIMIT);
    check!(ExactPages::zeroed(task.with(GFP_USER.dma32()), 3 * PAGE_SIZE)?.phys() < LIMIT);
    let mut bulk = [const { None }; 4];
    check!(alloc_bulk(task.with(GFP_KERNEL.dma32()), &mut bulk) > 0);
    check!(bulk.iter().flatten().all(|page| page.phys() < LIMIT));
    Ok(())
}

/// As many of them without the property are above, some of them.
fn dma32_objects_are_below_4_gib(task: &mut TaskCx) -> Outcome {
    const LIMIT: u64 = 4 << 30;
    if !usually_above(task, LIMIT)? {
        return Err(Stop::Skip("no memory above 4 GiB"));
    }
    let above = |args: &Args<'_, [u64; 128]>| -> Result<usize, Stop> {
        let cache = Cache::create(task, args)?;
        let mut kept = KBox::from_fn(&task, 2000, |_| None)?;
        for place in kept.iter_mut() {
            *place = Some(SlabBox::new(&task, &cache, [1; 128])?);
        }
        // SAFETY: Memory of a slab.
        let phys = |object: &[u64; 128]| unsafe { c::testlib_phys(object.as_ptr().cast()) };
        Ok(kept
            .iter()
            .flatten()
            .filter(|object| phys(object) >= LIMIT)
            .count())
    };
    let args = || Args::new(c"kalloc_test_zone").no_merge();
    check_eq!(above(&args().cache_dma32())?, 0);
    check!(above(&args())? > 0);
    Ok(())
}

/// The online nodes.
fn nodes() -> impl Iterator<Item = Node> {
    (0..64).filter_map(|id| Node::new(id).ok())
}

/// Whether all of it is on the node.
fn is_on<T: ?Sized>(node: Node, memory: &T) -> bool {
    let first = (&raw const *memory).cast::<u8>();
    (0..size_of_val(memory)).step_by(PAGE_SIZE).all(|offset| {
        let place = first.wrapping_add(offset).cast();
        // SAFETY: It is memory of the kernel.
        let nid = unsafe {
            if c::testlib_is_vmalloc(place) {
                c::testlib_vmalloc_node(place)
            } else {
                c::testlib_node(place)
            }
        };
        nid == node.id()
    })
}

fn objects_of_each_node(task: &mut TaskCx) -> Outcome {
    const LARGE: usize = 8 << 20;
    let cache = Cache::<[u64; 64]>::create(task, &Args::new(c"kalloc_test_node").no_merge())?;
    let constructed =
        ConstructedCache::<Number>::create(task, &Args::new(c"kalloc_test_node_ctor"))?;
    let counted = RcuCache::<Number>::create(task, &Args::new(c"kalloc_test_node_rcu"))?;
    for node in nodes() {
        let grant = || task.with(GFP_KERNEL).on(node);
        // More than a slab has.
        for _ in 0..20 {
            let kept = (
                KBox::new(grant(), [1u64; 64])?,
                KBox::<[u8; 5000]>::zeroed(grant())?,
                KBox::<[u8]>::zeroed_slice(grant(), 700)?,
                SlabBox::new(grant(), &cache, [1; 64])?,
                ConstructedBox::new(grant(), &constructed)?,
                RcuRef::new(grant(), &counted, |_: &Number| ())?,
                RcuBox::new(grant(), [1u64; 64])?,
                KVBox::new(grant(), [1u64; 64])?,
                VBox::new(grant(), [1u64; 64])?,
            );
            check!(is_on(node, &*kept.0) && is_on(node, &*kept.1) && is_on(node, &*kept.2));
            check!(is_on(node, &*kept.3) && is_on(node, &*kept.4) && is_on(node, &*kept.5));
            check!(kept.4.value == 7 && kept.5.value == 7);
            check!(is_on(node, &*kept.6) && is_on(node, &*kept.7) && is_on(node, &*kept.8));
        }
        check!(is_on(node, &*KBox::<[u8; 1 << 20]>::zeroed(grant())?));
        check!(is_on(node, &*KVBox::<[u8; LARGE]>::zeroed(grant())?));
        check!(is_on(node, &*VBox::<[u8; LARGE]>::zeroed(grant())?));
        check!(is_on(node, &*VBox::<[u8]>::zeroed_slice(grant(), LARGE)?));
    }
    Ok(())
}

struct Number {
    value: u64,
}

impl Construct for Number {
    fn construct() -> impl PinInit<Self> {
        init!(Number { value: 7 })
    }
}

impl Constructed for Number {
    fn reset(self: core::pin::Pin<&mut Self>) {}
}

/// From the memory of each node to that of each.
fn growing_on_each_node(task: &mut TaskCx) -> Outcome {
    const LARGE: usize = (8 << 20) / 8;
    for (from, to) in nodes().flat_map(|from| nodes().map(move |to| (from, to))) {
        let grant = || task.with(GFP_KERNEL).on(to);
        macro_rules! each {
            ($($kind:ident: $small:expr, $large:expr;)*) => {$({
                let mut list = $kind::with_capacity(task.with(GFP_KERNEL).on(from), $small)?;
                while list.len() < list.capacity() {
                    check!(list.push_within_capacity(7u64).is_ok());
                }
                check!(is_on(from, &list[..]));
                list.reserve(grant(), $large - $small)?;
                while list.len() < list.capacity() {
                    check!(list.push_within_capacity(8u64).is_ok());
                }
                check!(is_on(to, &list[..]));
                check!(list[..$small].iter().all(|&word| word == 7));
                let memory = list.into_boxed_slice().resize(grant(), 8 * $large, 9);
                check!(is_on(to, &*memory.map_err(Error::from)?));
            })*};
        }
        each! {
            KVec: 8, 64;
            KVec: 1000, 50_000;
            VVec: 1000, LARGE;
            KVVec: 8, 64;
            KVVec: 1000, LARGE;
            KVVec: LARGE, 2 * LARGE;
        }
    }
    Ok(())
}

/// The data of a pool are on its node; its elements are from wherever.
fn pools_of_each_node(task: &mut TaskCx) -> Outcome {
    for node in nodes() {
        let grant = || task.with(GFP_KERNEL).on(node);
        let (pool, trace) = traced(|| Mempool::<[u64; 64]>::kmalloc(grant(), 2));
        let of_elements = |event: &c::testlib_event| event.size == size_of::<[u64; 64]>();
        let mut data = 0;
        for event in trace.events().filter(|event| !event.is_free) {
            if !of_elements(&event) {
                // SAFETY: It is memory of kmalloc, which the pool has.
                check_eq!(unsafe { c::testlib_node(event.ptr) }, node.id());
                data += 1;
            }
        }
        check_eq!(data, 2);
        let pool = pool?;
        check_eq!(*MempoolBox::new(&task, &pool, [7; 64]), [7; 64]);
    }
    Ok(())
}

fn memory_of_each_node(task: &mut TaskCx) -> Outcome {
    let mut nodes = 0;
    for node in (0..64).filter_map(|id| Node::new(id).ok()) {
        nodes += 1;
        let grant = || task.with(GFP_KERNEL.thisnode()).on(node);
        check_eq!(Pages::new_uninit(grant(), Order::<2>)?.nid(), node.id());
        check_eq!(Pages::zeroed(grant(), AnyOrder::new(1)?)?.nid(), node.id());
        let memory = FreePages::zeroed(grant(), Order::<1>)?;
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
            Some((bits(GFP_KERNEL.thisnode().zeroed()), 2))
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
