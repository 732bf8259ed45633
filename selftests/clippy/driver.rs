// SPDX-License-Identifier: GPL-2.0

//! A driver that does everything behind kalloc's back, once: `host/clippy.sh` has clippy say so of
//! each line. It is not built otherwise.

use core::{alloc::Layout, mem::ManuallyDrop, pin::Pin};
use kernel::{
    alloc::{allocator::Kmalloc, Allocator, KVVec, KVec, NumaNode, VVec},
    bitmap::BitmapVec,
    cpumask::CpumaskVar,
    device::{Bound, Device},
    devres::{self, Devres, DevresLt},
    dma::{Attrs, Coherent, CoherentBox, CoherentHandle, DataDirection},
    id_pool::IdPool,
    init::InPlaceInit,
    interrupt::LocalInterruptDisabled,
    iov::IovIterSource,
    list::{impl_list_arc_safe, ListArc},
    maple_tree::{MapleTree, MapleTreeAlloc},
    net::netlink::{GenlMsg, NetlinkSkBuff},
    page::Page,
    prelude::*,
    rbtree::{RBTree, RBTreeNode, RBTreeNodeReservation},
    revocable::Revocable,
    scatterlist::SGTable,
    sync::{global_lock, rcu, Arc, Completion, CondVar, Mutex, SpinLock, SpinLockIrq, UniqueArc},
    time::{delay::fsleep, Delta},
    types::CovariantForLt,
    uaccess::UserSlice,
    workqueue::{self, impl_has_delayed_work, DelayedWork, WorkItem},
    xarray::XArray,
};

global_lock! {
    // SAFETY: It is initialised before its first use.
    unsafe(uninit) static GLOBAL: SpinLock<u32> = 0;
}

/// Sections that no token knows of.
pub fn sections(lock: &SpinLock<u32>) {
    let guard = lock.lock();
    core::mem::forget(guard);
    let _ = ManuallyDrop::new(lock.try_lock());
    let _ = GLOBAL.lock();
    let _ = GLOBAL.try_lock();
    let _ = rcu::read_lock();
    let _ = rcu::Guard::new();
    let _ = kernel::interrupt::local_interrupt_disable();
}

/// Vectors that may be those of lines with handlers.
pub fn vectors(dev: &kernel::pci::Device<Bound>) -> Result {
    dev.alloc_irq_vectors(1, 1, kernel::pci::IrqTypes::all())?;
    Ok(())
}

/// Locks within other things, and the RCU read side.
pub fn more_sections(
    off: &LocalInterruptDisabled,
    lock: &SpinLockIrq<u32>,
    array: &XArray<KBox<u32>>,
    tree: &MapleTree<KBox<u32>>,
    revocable: &Revocable<u32>,
    devres: &Devres<u32>,
    with_lifetime: &DevresLt<CovariantForLt!(u32)>,
) {
    let _ = lock.lock_with(off);
    let _ = lock.try_lock_with(off);
    let _ = array.lock();
    let _ = array.try_lock();
    let _ = tree.lock();
    let _ = revocable.try_access();
    let _ = revocable.try_access_with(|value| *value);
    let _ = devres.try_access();
    let _ = devres.try_access_with(|value| *value);
    let _ = with_lifetime.try_access();
    let _ = with_lifetime.try_access_with(|value| *value);
}

/// Work that gets no token.
#[pin_data]
pub struct Item {
    #[pin]
    work: DelayedWork<Self>,
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;
    fn run(_this: Arc<Self>) {}
}

/// Queues it.
pub fn work(item: &Arc<Item>) -> Result {
    let _ = workqueue::system_bh().enqueue(item.clone());
    let _ = workqueue::system_bh_highpri().enqueue_delayed(item.clone(), 1);
    workqueue::system().try_spawn(GFP_KERNEL, || ())?;
    Ok(())
}

/// What a list may have.
pub struct Node;

impl_list_arc_safe! {
    impl ListArcSafe<0> for Node { untracked; }
}

/// Sections that a future keeps while it waits.
pub async fn waiting(task: &mut kalloc::context::TaskCx, lock: &SpinLock<u32>) {
    kalloc::section!(_held = task, lock(lock));
    let _guard = lock.lock();
    let _side = rcu::read_lock();
    core::future::ready(()).await
}

/// Sleep that no token allowed.
pub fn waits(mutex: &Mutex<u32>, condvar: &CondVar, done: &Completion) {
    let mut guard = mutex.lock();
    condvar.wait(&mut guard);
    let _ = condvar.wait_interruptible(&mut guard);
    let _ = condvar.wait_interruptible_timeout(&mut guard, 1);
    drop(guard);
    done.wait_for_completion();
    rcu::synchronize_rcu();
    rcu::rcu_barrier();
    fsleep(Delta::from_millis(1));
}

/// Allocation with flags that nobody checked.
pub fn allocations() -> Result {
    let _ = KBox::new(1u32, GFP_KERNEL)?;
    let _ = KBox::<u32>::new_uninit(GFP_KERNEL)?;
    let _ = KBox::<u32>::zeroed(GFP_KERNEL)?;
    let _ = KBox::pin(1u32, GFP_KERNEL)?;
    let _: Pin<KBox<[u32]>> = KBox::pin_slice(|_| Ok::<_, Error>(1), 3, GFP_KERNEL)?;
    let mut vec = KVec::with_capacity(3, GFP_KERNEL)?;
    vec.push(1u32, GFP_KERNEL)?;
    vec.reserve(1, GFP_KERNEL)?;
    vec.extend_with(1, 1, GFP_KERNEL)?;
    vec.extend_from_slice(&[1], GFP_KERNEL)?;
    vec.resize(9, 1, GFP_KERNEL)?;
    let _ = KVec::from_elem(1u32, 3, GFP_KERNEL)?;
    let _ = KVec::<u32>::zeroed(3, GFP_KERNEL)?;
    KVVec::<u32>::new().shrink_to(0, GFP_KERNEL)?;
    let _ = vec.into_iter().collect(GFP_KERNEL);
    let layout = Layout::new::<u32>();
    let _ = Kmalloc::alloc(layout, GFP_KERNEL, NumaNode::NO_NODE)?;
    // SAFETY: There is no old memory.
    let _ = unsafe { Kmalloc::realloc(None, layout, layout, GFP_KERNEL, NumaNode::NO_NODE)? };
    let _ = <KBox<u32> as InPlaceInit<u32>>::pin_init(1, GFP_KERNEL)?;
    let _ = <KBox<u32> as InPlaceInit<u32>>::init(1, GFP_KERNEL)?;
    let _ = KBox::<u32>::try_pin_init(Ok::<_, Error>(1), GFP_KERNEL)?;
    let _ = KBox::<u32>::try_init(Ok::<_, Error>(1), GFP_KERNEL)?;
    let _ = Arc::new(1u32, GFP_KERNEL)?;
    let _ = UniqueArc::new(1u32, GFP_KERNEL)?;
    let _ = Page::alloc_page(GFP_KERNEL)?;
    let _ = UniqueArc::<u32>::new_uninit(GFP_KERNEL)?;
    let _ = ListArc::<Node>::new(Node, GFP_KERNEL)?;
    let _ = ListArc::<Node>::pin_init(Ok::<_, Error>(Node), GFP_KERNEL)?;
    let _ = ListArc::<Node>::init(Ok::<_, Error>(Node), GFP_KERNEL)?;
    Ok(())
}

/// Memory for a device.
pub fn devices(dev: &Device<Bound>, pages: VVec<u8>) -> Result {
    const NONE: Attrs = kernel::dma::attrs::DMA_ATTR_NO_WARN;
    let _ = CoherentBox::<u32>::zeroed(dev, GFP_KERNEL)?;
    let _ = CoherentBox::<u32>::zeroed_with_attrs(dev, GFP_KERNEL, NONE)?;
    let _ = CoherentBox::<[u32]>::zeroed_slice(dev, 3, GFP_KERNEL)?;
    let _ = CoherentBox::<[u32]>::zeroed_slice_with_attrs(dev, 3, GFP_KERNEL, NONE)?;
    let _ = CoherentBox::<[u32]>::from_slice(dev, &[1], GFP_KERNEL)?;
    let _ = CoherentBox::<[u32]>::from_slice_with_attrs(dev, &[1], GFP_KERNEL, NONE)?;
    let _ = Coherent::<u32>::zeroed(dev, GFP_KERNEL)?;
    let _ = Coherent::<u32>::zeroed_with_attrs(dev, GFP_KERNEL, NONE)?;
    let _ = Coherent::<u32>::zeroed_slice(dev, 3, GFP_KERNEL)?;
    let _ = Coherent::<u32>::zeroed_slice_with_attrs(dev, 3, GFP_KERNEL, NONE)?;
    let _ = Coherent::<u32>::from_slice(dev, &[1], GFP_KERNEL)?;
    let _ = Coherent::<u32>::from_slice_with_attrs(dev, &[1], GFP_KERNEL, NONE)?;
    let _ = Coherent::<u32>::init(dev, GFP_KERNEL, Ok::<_, Error>(1))?;
    let _ = Coherent::<u32>::init_with_attrs(dev, GFP_KERNEL, NONE, Ok::<_, Error>(1))?;
    let _ = CoherentHandle::alloc(dev, 3, GFP_KERNEL)?;
    let _ = CoherentHandle::alloc_with_attrs(dev, 3, GFP_KERNEL, NONE)?;
    let _ = SGTable::new(dev, pages, DataDirection::ToDevice, GFP_KERNEL);
    devres::register::<u32, Error>(dev, Ok(1), GFP_KERNEL)
}

/// Memory behind other things.
pub fn containers(
    array: &mut kernel::xarray::Guard<'_, KBox<u32>>,
    rbtree: &mut RBTree<u32, u32>,
    tree: &MapleTree<KBox<u32>>,
    alloc_tree: &MapleTreeAlloc<KBox<u32>>,
    value: impl Fn() -> KBox<u32>,
) -> Result {
    let _ = array.store(0, value(), GFP_KERNEL);
    let _ = rbtree.try_create_and_insert(1, 1, GFP_KERNEL)?;
    let _ = RBTreeNode::new(1u32, 1u32, GFP_KERNEL)?;
    let _ = RBTreeNodeReservation::<u32, u32>::new(GFP_KERNEL)?;
    let _ = tree.insert(1, value(), GFP_KERNEL);
    let _ = tree.insert_range(1..2, value(), GFP_KERNEL);
    let _ = alloc_tree.alloc_range(1, value(), .., GFP_KERNEL);
    let _ = BitmapVec::new(99, GFP_KERNEL)?;
    if let Some(request) = IdPool::with_capacity(99, GFP_KERNEL)?.grow_request() {
        let _ = request.realloc(GFP_KERNEL)?;
    }
    let _ = CpumaskVar::new_zero(GFP_KERNEL)?;
    Ok(())
}

/// Memory for what comes from elsewhere.
pub fn messages(
    slice: impl Fn() -> UserSlice,
    iter: &mut IovIterSource<'_>,
    buf: &mut KVec<u8>,
    message: GenlMsg,
    family: &'static kernel::net::netlink::Family,
) -> Result {
    slice().read_all(buf, GFP_KERNEL)?;
    slice().reader().read_all(buf, GFP_KERNEL)?;
    let _ = iter.copy_from_iter_vec(buf, GFP_KERNEL)?;
    let _ = NetlinkSkBuff::new(99, GFP_KERNEL)?;
    message.multicast(family, 0, 0, GFP_KERNEL)
}
