// SPDX-License-Identifier: GPL-2.0

//! The drop table: every type of memory, dropped in every context that it can reach, and what the
//! kernel has done with the memory by the end of the drop. Documentation/drop.rst is the same table,
//! and the document `docs` compares the two.

use core::sync::atomic::{AtomicUsize, Ordering};
#[cfg(CONFIG_X86)]
use kalloc::nmi;
use kalloc::{
    dma::{DmaPool, FromDevice, MappedRange, Noncoherent, Quiesce, SgTable, Streaming},
    driver::{BoundScope, Register},
    hrtimer, irq_work,
    mempool::*,
    nolock::NolockPages,
    platform,
    prelude::*,
    rcu::{RcuBox, RcuCell},
    slab::*,
    timer,
};
use kernel::{
    device::{Bound, Core, Device},
    new_spinlock,
    page::PAGE_SIZE,
    platform::Device as PlatformDevice,
    sync::{atomic::Atomic as AtomicCell, Arc},
    time::{delay::fsleep, Delta},
};
use testlib::{c, check, check_eq, Counted, Outcome};

#[path = "../lib/testdevice.rs"]
mod testdevice;
#[path = "../lib/testlib.rs"]
mod testlib;

/// What a drop does with the memory in a context.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It is free when the drop ends.
    Now,
    /// It is freed after the drop, in another context.
    Later,
    /// It stays while the device is bound, or is leaked.
    Kept,
    /// No drop may happen there.
    No,
}

#[allow(non_upper_case_globals)]
mod fate {
    use super::Fate;

    const RT: bool = cfg!(CONFIG_PREEMPT_RT);
    pub(super) const now: Fate = Fate::Now;
    pub(super) const later: Fate = Fate::Later;
    pub(super) const kept: Fate = Fate::Kept;
    pub(super) const no: Fate = Fate::No;
    /// `now`; on PREEMPT_RT it is leaked.
    pub(super) const rt_leaked: Fate = if RT { Fate::Kept } else { Fate::Now };
    /// `now`, and `later` on PREEMPT_RT.
    pub(super) const rt_later: Fate = if RT { Fate::Later } else { Fate::Now };
}

macro_rules! table {
    (type: $places:tt; $($row:ident: $($fate:ident)*;)*) => {
        &[$(table!(@row $row $places [$($fate)*])),*]
    };
    (@row $row:ident [$($place:ident)*] [$($fate:ident)*]) => {
        &[$((
            concat!(stringify!($row), "_in_", stringify!($place)),
            fate::$fate,
            (|task: &mut TaskCx| $row(task, Drop { place: place::$place(), fate: fate::$fate }))
                as fn(&mut TaskCx) -> Outcome,
        )),*]
    };
}

type Test = (&'static str, Fate, fn(&mut TaskCx) -> Outcome);

/// A test is named ROW_in_COLUMN.
#[rustfmt::skip]
const TABLE: &[&[Test]] = table! {
    type:                   [task nofs  noio  lock  rcu   bh    softirq irq   irqs_off  preempt_off hardirq   nmi];
    kbox:                   now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    kvec:                   now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    vbox:                   later later later later later later later   later later     later       later     no;
    vvec:                   later later later later later later later   later later     later       later     no;
    kvbox_vmalloc:          later later later later later later later   later later     later       later     no;
    kvbox_kmalloc:          now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    pages:                  now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    page_mem:               now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    exact_pages:            now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    split_pages:            now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    slab_borrowed:          now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    slab_static:            now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    slab_counted:           now   now   now   now   now   now   now     now   rt_leaked rt_leaked   rt_leaked no;
    slab_bulk:              now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    slab_constructed:       now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    slab_rcu:               now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    cache:                  later later later later later later later   later later     later       later     no;
    mempool_box:            now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    mempool:                now   now   now   now   now   now   now     now   rt_leaked rt_leaked   rt_leaked no;
    mempool_counted:        now   now   now   now   now   now   now     now   rt_leaked rt_leaked   rt_leaked no;
    pool_box:               now   now   now   now   now   now   now     now   now       now         now       now;
    objpool:                later later later later later later later   later later     later       later     later;
    nolock_box:             now   now   now   now   now   now   now     now   now       now         now       now;
    nolock_pages:           now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  later;
    percpu:                 now   now   now   now   now   now   now     now   rt_later  rt_later    rt_later  no;
    rcu_box:                later later later later later later later   later later     later       later     later;
    rcu_cell:               later later later later later later later   later later     later       later     later;
    timer:                  later later later later later later later   later later     later       later     no;
    hrtimer:                later later later later later later later   later later     later       later     no;
    irq_work:               later later later later later later later   later later     later       later     no;
    nmi_handler:            later later later later later later later   later later     later       later     no;
    coherent:               now   now   now   later later later later   later later     later       later     later;
    coherent_address_read:  kept  kept  kept  kept  kept  kept  kept    kept  kept      kept        kept      kept;
    dma_block:              now   now   now   now   now   now   now     now   rt_leaked rt_leaked   rt_leaked no;
    dma_block_address_read: kept  kept  kept  kept  kept  kept  kept    kept  kept      kept        kept      no;
    streaming_cpu:          now   now   now   now   now   now   now     now   rt_leaked rt_leaked   rt_leaked no;
    streaming_mapped:       now   now   now   now   now   now   now     now   rt_leaked rt_leaked   rt_leaked no;
    streaming_device:       kept  kept  kept  kept  kept  kept  kept    kept  kept      kept        kept      no;
    noncoh_cpu:             now   now   now   later later later later   later later     later       later     later;
    noncoh_device:          kept  kept  kept  kept  kept  kept  kept    kept  kept      kept        kept      no;
    sg_table_cpu:           now   now   now   now   now   now   now     now   rt_leaked rt_leaked   rt_leaked no;
    sg_table_device:        kept  kept  kept  kept  kept  kept  kept    kept  kept      kept        kept      no;
};

struct Tests;

impl kalloc::Module for Tests {
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        let _device = testdevice::PlatformDevice::new(&task, DRIVER)?;
        // SAFETY: The initialiser runs here, in process context, and its result is dropped here too.
        let driver = unsafe { platform::Registration::<Driver>::register(DRIVER, module) };
        let _driver = KBox::pin_init(&task, driver)?;
        let mut tests = KVec::new();
        for (name, fate, test) in TABLE.iter().copied().flatten() {
            if *fate != Fate::No {
                tests.push(&task, (*name, *test))?;
            }
        }
        // SAFETY: It has no preconditions.
        kernel::error::to_result(unsafe { c::testlib_watch_start() })?;
        let result = testlib::run(task, &tests);
        // SAFETY: It was started above.
        unsafe { c::testlib_watch_stop() };
        result?;
        Ok(Tests)
    }
}

kalloc::module! {
    type: Tests,
    pools: {
        static Static: Cache<Small> = Args::new(c"kalloc_test_drop").no_merge();
    },
    name: "test_drop",
    authors: ["The kalloc authors"],
    description: "kalloc tests",
    license: "GPL",
}

// Places ---------------------------------------------------------------------------------------------------------------

/// How the kernel's context is entered and known.
#[derive(Clone, Copy)]
struct Place {
    run: fn(&mut TaskCx, &mut dyn FnMut()) -> Outcome,
    is_here: fn() -> bool,
}

/// Asks the kernel; none of the functions has preconditions.
macro_rules! ask {
    ($function:ident) => {
        // SAFETY: It has no preconditions.
        unsafe { c::$function() }
    };
}

mod place {
    use super::*;

    const RT: bool = cfg!(CONFIG_PREEMPT_RT);

    /// What a held `spinlock_t` is: an RCU read side on PREEMPT_RT, where it sleeps.
    fn is_locked() -> bool {
        if RT {
            ask!(testlib_rcu_read_lock_held) > 0
        } else {
            ask!(testlib_preempt_count) != 0
        }
    }

    fn with_irqsave(f: &mut dyn FnMut()) {
        extern "C" fn call(data: *mut kernel::ffi::c_void) {
            // SAFETY: It is the function below, which nobody else calls meanwhile.
            (unsafe { &mut *data.cast::<&mut dyn FnMut()>() })()
        }
        let mut f = f;
        // SAFETY: `call` gets what it expects, which lives until the lock is free again.
        unsafe { c::testlib_with_spin_lock_irqsave(Some(call), (&raw mut f).cast()) };
    }

    macro_rules! places {
        ($($name:ident: |$task:ident, $f:ident| $run:expr, $is_here:expr;)*) => {$(
            pub(super) fn $name() -> Place {
                Place {
                    run: |$task, $f| {
                        $run;
                        Ok(())
                    },
                    is_here: || $is_here,
                }
            }
        )*};
    }

    places! {
        task: |_task, f| f(), ask!(testlib_preemptible) && !ask!(testlib_in_noio_scope);
        nofs: |task, f| task.nofs(|_| f()), ask!(testlib_preemptible) && ask!(testlib_in_nofs_scope);
        noio: |task, f| task.noio(|_| f()), ask!(testlib_preemptible) && ask!(testlib_in_noio_scope);
        lock: |task, f| {
            let lock = KBox::pin_init(&*task, new_spinlock!(()))?;
            task.locked(&lock, |(), _| f())
        }, is_locked();
        rcu: |task, f| task.rcu_read(|_, _| f()),
            ask!(testlib_rcu_read_lock_held) > 0 || ask!(testlib_preempt_count) != 0;
        bh: |task, f| task.bh_off(|_| f()), ask!(testlib_in_softirq) && !ask!(testlib_in_serving_softirq);
        softirq: |_task, f| testlib::in_softirq(|_| f())?, ask!(testlib_in_serving_softirq);
        irq: |_task, f| with_irqsave(f), is_locked() && ask!(testlib_irqs_disabled) != RT;
        irqs_off: |task, f| task.irqs_off(|_| f()),
            ask!(testlib_irqs_disabled) && !ask!(testlib_in_hardirq);
        preempt_off: |task, f| task.preempt_off(|_| f()),
            ask!(testlib_preempt_count) != 0 && !ask!(testlib_irqs_disabled);
        hardirq: |_task, f| testlib::in_hardirq(|_| f())?, ask!(testlib_in_hardirq);
        nmi: |_task, f| testlib::in_nmi(|_| f())?, ask!(testlib_in_nmi);
    }
}

// A drop ---------------------------------------------------------------------------------------------------------------

/// How many values were dropped.
static DROPS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy)]
struct Drop {
    place: Place,
    fate: Fate,
}

impl Drop {
    /// Drops `value`, which has `drops` values with drop glue and memory that testlib watches: a
    /// page frame, or a pointer.
    fn of<T>(self, task: &mut TaskCx, value: T, drops: usize, memory: usize) -> Outcome {
        if self.fate == Fate::Kept {
            return self.kept(task, value, memory);
        }
        // SAFETY: It has no preconditions.
        unsafe { c::testlib_watch(memory) };
        self.seen(
            task,
            value,
            drops,
            || ask!(testlib_watched_here) != 0,
            || ask!(testlib_watched) != 0,
        )?;
        // And never again.
        check_eq!(ask!(testlib_watched), 1);
        Ok(())
    }

    /// Drops `value`, whose memory nobody frees then.
    fn kept<T>(self, task: &mut TaskCx, value: T, memory: usize) -> Outcome {
        let mut value = Some(value);
        let mut is_here = false;
        check!(self.fate == Fate::Kept);
        // SAFETY: It has no preconditions.
        unsafe { c::testlib_watch(memory) };
        (self.place.run)(task, &mut || {
            is_here = (self.place.is_here)();
            drop(value.take());
        })?;
        check!(is_here);
        destroy_dropped(task);
        fsleep(Delta::from_millis(2));
        check_eq!(ask!(testlib_watched), 0);
        Ok(())
    }

    /// As `of`, where `gone_here` says whether the memory was freed where the value is dropped, and
    /// `gone` whether it was freed at all.
    fn seen<T>(
        self,
        task: &mut TaskCx,
        value: T,
        drops: usize,
        gone_here: impl Fn() -> bool,
        gone: impl Fn() -> bool,
    ) -> Outcome {
        let mut value = Some(value);
        let (mut is_here, mut now, mut dropped) = (false, false, 0);
        DROPS.store(0, Ordering::Relaxed);
        (self.place.run)(task, &mut || {
            is_here = (self.place.is_here)();
            ask!(testlib_watch_from_here);
            drop(value.take());
            now = gone_here();
            dropped = DROPS.load(Ordering::Relaxed);
        })?;
        check!(is_here);
        check_eq!(dropped, drops);
        check_eq!(now, self.fate == Fate::Now);
        if !gone() {
            destroy_dropped(task);
        }
        for _ in 0..50 {
            if gone() {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
        if !gone() {
            testlib::kvfree_rcu_barrier();
        }
        check!(gone());
        check_eq!(DROPS.load(Ordering::Relaxed), drops);
        Ok(())
    }
}

// Values ---------------------------------------------------------------------------------------------------------------

/// So much that the page allocator has it, and sees its end. An object of `objpool` may be that large.
const LARGE: usize = 3 * PAGE_SIZE;

struct Large {
    _bytes: [u8; LARGE],
    _counted: Counted<'static>,
}

fn large() -> impl Init<Large> {
    init!(Large {
        _bytes <- pin_init::init_zeroed(),
        _counted: Counted(&DROPS),
    })
}

struct Small {
    _bytes: [u8; 96],
    _counted: Counted<'static>,
}

fn small() -> Small {
    Small {
        _bytes: [1; 96],
        _counted: Counted(&DROPS),
    }
}

/// The page frame that it is in.
fn frame<T: ?Sized>(memory: &T) -> usize {
    // SAFETY: It is memory of the kernel.
    unsafe { c::testlib_pfn((&raw const *memory).cast()) }
}

fn address<T: ?Sized>(memory: &T) -> usize {
    (&raw const *memory).cast::<u8>().addr()
}

fn kbox(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = KBox::init(&task, large())?;
    let memory = frame(&*value);
    drop.of(task, value, 1, memory)
}

fn kvec(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = KVec::from_elem(&task, Counted(&DROPS), LARGE / 8)?;
    let memory = frame(&value[..]);
    drop.of(task, value, LARGE / 8, memory)
}

fn vbox(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = VBox::init(&task, large())?;
    let memory = frame(&*value);
    drop.of(task, value, 1, memory)
}

fn vvec(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = VVec::from_elem(&task, Counted(&DROPS), LARGE / 8)?;
    let memory = frame(&value[..]);
    drop.of(task, value, LARGE / 8, memory)
}

fn kvbox_vmalloc(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = KVBox::from(VBox::init(&task, large())?);
    let memory = frame(&*value);
    drop.of(task, value, 1, memory)
}

fn kvbox_kmalloc(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = KVBox::from(KBox::init(&task, large())?);
    let memory = frame(&*value);
    drop.of(task, value, 1, memory)
}

fn pages(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Pages::zeroed(&task, Order::<2>)?;
    let memory = value.pfn();
    drop.of(task, value, 0, memory)
}

fn page_mem(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = FreePages::zeroed(&task, Order::<2>)?;
    let memory = frame(&value[..]);
    drop.of(task, value, 0, memory)
}

fn exact_pages(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = ExactPages::zeroed(&task, 3 * PAGE_SIZE)?;
    let memory = frame(&value[2 * PAGE_SIZE..]);
    drop.of(task, value, 0, memory)
}

/// What an iterator over single pages has left.
fn split_pages(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Pages::zeroed(&task, Order::<2>)?;
    let memory = value.pfn() + 3;
    let mut value = value.split();
    check!(value.next().is_some());
    drop.of(task, value, 0, memory)
}

fn no_merge<T>() -> Args<'static, T> {
    Args::new(c"kalloc_test").no_merge()
}

fn slab_borrowed(task: &mut TaskCx, drop: Drop) -> Outcome {
    let cache = Cache::create(task, &no_merge())?;
    let value = SlabBox::new(&task, &cache, small())?;
    let memory = address(&*value);
    drop.of(task, value, 1, memory)
}

fn slab_static(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = SlabBox::new(&task, Static, small())?;
    let memory = address(&*value);
    drop.of(task, value, 1, memory)
}

/// The last one, which ends its cache: that is `cache`.
fn slab_counted(task: &mut TaskCx, drop: Drop) -> Outcome {
    let cache = Arc::new_with(&task, Cache::create(task, &no_merge())?)?;
    let value = SlabBox::new(&task, cache, small())?;
    if drop.fate == Fate::Kept {
        // The object goes, and the cache stays.
        return drop.kept(task, value, c::TESTLIB_ANY_CACHE as usize);
    }
    let memory = address(&*value);
    drop.of(task, value, 1, memory)
}

/// One by one with interrupts off.
fn slab_bulk(task: &mut TaskCx, drop: Drop) -> Outcome {
    let cache = Cache::create(task, &no_merge())?;
    let value = SlabBulk::<_, 4, _>::from_fn(&task, &cache, |_| small())?;
    let memory = address(&value[0]);
    drop.of(task, value, 4, memory)
}

struct Reset {
    words: [u64; 12],
}

impl Construct for Reset {
    fn construct() -> impl PinInit<Self> {
        init!(Self { words: [7; 12] })
    }
}

impl Constructed for Reset {
    fn reset(self: Pin<&mut Self>) {
        DROPS.fetch_add(1, Ordering::Relaxed);
    }
}

fn slab_constructed(task: &mut TaskCx, drop: Drop) -> Outcome {
    let cache = ConstructedCache::<Reset>::create(task, &no_merge())?;
    let value = ConstructedBox::new(&task, &cache)?;
    check_eq!(value.words, [7; 12]);
    let memory = address(&*value);
    drop.of(task, value, 1, memory)
}

struct Shared {
    words: [AtomicCell<u64>; 12],
}

impl Construct for Shared {
    fn construct() -> impl PinInit<Self> {
        init!(Self {
            words: [const { AtomicCell::new(0) }; 12]
        })
    }
}

/// The last reference. Readers may see the memory a while longer, as memory of this type.
fn slab_rcu(task: &mut TaskCx, drop: Drop) -> Outcome {
    let cache = RcuCache::<Shared>::create(task, &no_merge())?;
    let value = RcuRef::new(&task, &cache, |_: &Shared| ())?;
    check_eq!(value.words.len(), 12);
    // The count of references is before it.
    let memory = address(&*value) - 8;
    drop.of(task, value, 0, memory)
}

fn cache(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Cache::<Small>::create(task, &no_merge())?;
    drop.of(task, value, 0, c::TESTLIB_ANY_CACHE as usize)
}

fn mempool_box(task: &mut TaskCx, drop: Drop) -> Outcome {
    let pool = Mempool::<Small>::kmalloc(&task, 1)?;
    let value = MempoolBox::preallocated(&*task, &pool, small())?;
    check_eq!(pool.curr_nr(), 0);
    let is_back = || pool.curr_nr() == 1;
    drop.seen(task, value, 1, is_back, is_back)
}

fn mempool(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Mempool::<[u64; 12]>::kmalloc(&task, 1)?;
    let memory = address(&*MempoolBox::preallocated(&*task, &value, [0; 12])?);
    drop.of(task, value, 0, memory)
}

/// The last owner of its cache, which on PREEMPT_RT stays with the reserve.
fn mempool_counted(task: &mut TaskCx, drop: Drop) -> Outcome {
    let cache = Arc::new_with(&task, Cache::<[u64; 12]>::create(task, &no_merge())?)?;
    let value = Mempool::<_, SlabBacked<_>>::slab(&task, 1, cache)?;
    if drop.fate == Fate::Kept {
        return drop.kept(task, value, c::TESTLIB_ANY_CACHE as usize);
    }
    let memory = address(&*MempoolBox::preallocated(&*task, &value, [0; 12])?);
    drop.of(task, value, 0, memory)
}

fn pool_box(task: &mut TaskCx, drop: Drop) -> Outcome {
    let pool = ObjPool::new(&task, 1, |_| [0u64; 12])?;
    let value = pool.pop();
    check!(value.is_some() && pool.pop().is_none());
    let is_back = || pool.pop().is_some();
    drop.seen(task, value, 0, is_back, is_back)
}

fn objpool(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = ObjPool::init(&task, 1, |_| large())?;
    let memory = value.pop().map_or(0, |object| frame(&*object));
    drop.of(task, value, 1, memory)
}

fn nolock_box(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = NolockBox::new(&*task, small())?;
    let memory = address(&*value);
    drop.of(task, value, 1, memory)
}

fn nolock_pages(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = NolockPages::<2>::new(&*task)?;
    let memory = frame(&value[..]);
    drop.of(task, value, 0, memory)
}

fn percpu(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = PerCpu::from_fn(&task, |_| small())?;
    // SAFETY: Its one field that has a size is the pointer of `alloc_percpu()`.
    let memory = unsafe { core::mem::transmute_copy::<PerCpu<Small>, usize>(&value) };
    // SAFETY: It has no preconditions.
    let cpus = unsafe { c::testlib_possible_cpus() as usize };
    drop.of(task, value, cpus, memory)
}

fn rcu_large(task: &TaskCx) -> Result<RcuBox<[u8; LARGE]>> {
    RcuBox::init(task, pin_init::init_zeroed())
}

fn rcu_box(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = rcu_large(task)?;
    let memory = frame(&*value);
    drop.of(task, value, 0, memory)
}

fn rcu_cell(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = rcu_large(task)?;
    let memory = frame(&*value);
    drop.of(task, RcuCell::new(value), 0, memory)
}

// What the kernel calls back -------------------------------------------------------------------------------------------

/// The value that an owner of a callback has, dropped with its memory.
static CALLED_DROPS: AtomicUsize = AtomicUsize::new(0);

struct Called(#[allow(dead_code)] Counted<'static>);

impl timer::Expire for Called {
    fn expired(&self, _cx: &mut BhCx<'_>) -> Option<kernel::time::Jiffies> {
        Some(1)
    }
}

type Mode = hrtimer::RelativeHardMode<kernel::time::Monotonic>;

impl hrtimer::Expire<Mode> for Called {
    fn expired(
        &self,
        timer: &mut hrtimer::Expired<'_, Self, Mode>,
        _cx: &mut RawCx<'_>,
    ) -> hrtimer::HrTimerRestart {
        timer.forward_now(Delta::from_millis(1));
        hrtimer::HrTimerRestart::Restart
    }
}

impl irq_work::Run for Called {
    fn run(&self, _cx: &mut IrqCx<'_>) {}
}

#[cfg(CONFIG_X86)]
// SAFETY: The handler does nothing with it.
unsafe impl NmiSafe for Called {}

#[cfg(CONFIG_X86)]
impl nmi::Handler for Called {
    fn handle(&self, _cx: &mut NmiCx<'_>) -> bool {
        false
    }
}

fn called() -> Called {
    CALLED_DROPS.store(0, Ordering::Relaxed);
    Called(Counted(&CALLED_DROPS))
}

impl Drop {
    /// Drops the owner of what [`called`] gave. A drop in place would be seen as one of `drops`.
    fn of_called<T>(self, task: &mut TaskCx, owner: T) -> Outcome {
        // Up to some seconds: a grace period may have to end.
        let gone = || {
            let is_gone = || CALLED_DROPS.load(Ordering::Relaxed) == 1;
            (0..3_000).any(|_| {
                is_gone() || {
                    fsleep(Delta::from_millis(1));
                    false
                }
            })
        };
        self.seen(task, owner, 0, || false, gone)
    }
}

fn timer(task: &mut TaskCx, drop: Drop) -> Outcome {
    let timer = timer::Timer::new(&task, called())?;
    timer.start(1);
    drop.of_called(task, timer)
}

fn hrtimer(task: &mut TaskCx, drop: Drop) -> Outcome {
    let timer = hrtimer::HrTimer::<_, Mode>::new(&task, called())?;
    timer.start(Delta::from_millis(1));
    drop.of_called(task, timer)
}

fn irq_work(task: &mut TaskCx, drop: Drop) -> Outcome {
    let work = irq_work::IrqWork::<_>::new(&task, called())?;
    work.queue();
    drop.of_called(task, work)
}

#[cfg(CONFIG_X86)]
fn nmi_handler(task: &mut TaskCx, drop: Drop) -> Outcome {
    let handler = nmi::Registration::new(&task, nmi::Type::Local, called())?;
    drop.of_called(task, handler)
}

#[cfg(not(CONFIG_X86))]
fn nmi_handler(_task: &mut TaskCx, _drop: Drop) -> Outcome {
    Err(testlib::Stop::Skip("drivers have no NMIs here"))
}

// What a device has ----------------------------------------------------------------------------------------------------

const DRIVER: &CStr = c"kalloc_test_drop";

/// The handle of the device that a driver here is bound to while the tests run.
static DMA: AtomicUsize = AtomicUsize::new(0);

struct Driver;

/// Nothing is behind the device, so what is kept for it is freed at its end.
struct Idle<'bound>(DmaDevice<'bound>);

impl Quiesce for &Idle<'_> {
    fn device(&self) -> &Device<Bound> {
        self.0.device()
    }

    fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
        true
    }
}

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Idle<'bound>;

    fn probe<'bound>(
        pdev: &'bound PlatformDevice<Core<'_>>,
        _info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Idle<'bound>, Error> {
        DmaDevice::set_mask_and_coherent::<32, _>(&task, pdev).map(|dma| {
            // SAFETY: It is a reference; that it is gone when the driver is, `init` sees to.
            let raw = unsafe { core::mem::transmute::<DmaDevice<'_>, usize>(dma) };
            DMA.store(raw, Ordering::Release);
            Idle(dma)
        })
    }

    fn start<'d, 'bound>(
        _dev: &'bound PlatformDevice<Bound>,
        this: Pin<&'d Idle<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        binding.quiesce(task, this.get_ref())
    }
}

fn dma() -> Result<DmaDevice<'static>> {
    match DMA.load(Ordering::Acquire) {
        0 => Err(ENODEV),
        // SAFETY: The driver stored it, and is bound while tests run.
        dma => Ok(unsafe { core::mem::transmute::<usize, DmaDevice<'static>>(dma) }),
    }
}

fn coherent(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Coherent::<[u8; LARGE]>::zeroed(&task, dma()?)?;
    // There is no IOMMU for the device: it knows physical addresses.
    let memory = value.dma_address() as usize / PAGE_SIZE;
    drop.of(task, value.not_told(), 0, memory)
}

fn coherent_address_read(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Coherent::<[u8; LARGE]>::zeroed(&task, dma()?)?;
    let memory = value.dma_address() as usize / PAGE_SIZE;
    drop.kept(task, value, memory)
}

/// Nobody sees a block go back. Those that are there are others from now on.
macro_rules! kept_block {
    ($task:ident, $drop:ident, $pool:ident, $value:expr, $handle:ident) => {{
        $drop.kept($task, $value, 0)?;
        for _ in 0..8 {
            let block = $pool.zeroed(&$task)?;
            check!(block.dma_address() != $handle);
            core::mem::drop(block.not_told());
        }
        $pool.destroy($task);
        return Ok(());
    }};
}

fn dma_block(task: &mut TaskCx, drop: Drop) -> Outcome {
    let pool = DmaPool::<[u64; 12]>::new(task, dma()?, c"test_drop")?;
    let value = pool.zeroed(&task)?;
    let handle = value.dma_address();
    if drop.fate == Fate::Kept {
        kept_block!(task, drop, pool, value.not_told(), handle);
    }
    let is_back = || {
        // SAFETY: Blocks can be had wherever they are dropped, with these flags.
        let cx = unsafe { IrqCx::assume() };
        pool.zeroed(cx.with(GFP_NOWAIT)).is_ok_and(|block| {
            let is_it = block.dma_address() == handle;
            core::mem::drop(block.not_told());
            is_it
        })
    };
    drop.seen(task, value.not_told(), 0, is_back, is_back)?;
    pool.destroy(task);
    Ok(())
}

fn dma_block_address_read(task: &mut TaskCx, drop: Drop) -> Outcome {
    let pool = DmaPool::<[u64; 12]>::new(task, dma()?, c"test_drop")?;
    let value = pool.zeroed(&task)?;
    let handle = value.dma_address();
    kept_block!(task, drop, pool, value, handle)
}

type Bytes = KBox<[u8; LARGE]>;

fn streaming(task: &TaskCx, buffer: Bytes) -> Result<Streaming<'static, Bytes, FromDevice>> {
    Ok(Streaming::map(task, dma()?, buffer)?)
}

fn streaming_cpu(task: &mut TaskCx, drop: Drop) -> Outcome {
    let buffer = Bytes::zeroed(&task)?;
    let memory = frame(&*buffer);
    let value = streaming(task, buffer)?.sync_for_cpu();
    drop.of(task, value, 0, memory)
}

fn streaming_mapped(task: &mut TaskCx, drop: Drop) -> Outcome {
    let buffer = Bytes::zeroed(&task)?;
    let memory = frame(&*buffer);
    let value = streaming(task, buffer)?;
    drop.of(task, value, 0, memory)
}

fn streaming_device(task: &mut TaskCx, drop: Drop) -> Outcome {
    let buffer = Bytes::zeroed(&task)?;
    let memory = frame(&*buffer);
    let value = streaming(task, buffer)?.into_device();
    drop.kept(task, value, memory)
}

fn noncoh_cpu(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Noncoherent::<[u8; LARGE], FromDevice>::zeroed(&task, dma()?)?;
    let memory = frame(&*value);
    drop.of(task, value, 0, memory)
}

fn noncoh_device(task: &mut TaskCx, drop: Drop) -> Outcome {
    let value = Noncoherent::<[u8; LARGE], FromDevice>::zeroed(&task, dma()?)?;
    let memory = frame(&*value);
    drop.kept(task, value.sync_for_device().into_device(), memory)
}

type Blocks = KBox<[FreePages<Order<1>>]>;

/// Pages, and the frame of one that is in the middle.
fn blocks(task: &TaskCx) -> Result<(Blocks, usize)> {
    let mut blocks = KVec::new();
    for _ in 0..3 {
        blocks.push(task, FreePages::zeroed(task, Order::<1>)?)?;
    }
    let memory = frame(&blocks[1][PAGE_SIZE..]);
    Ok((blocks.into_boxed_slice(), memory))
}

fn sg_table(task: &TaskCx, blocks: Blocks) -> Result<SgTable<'static, Blocks, FromDevice>> {
    Ok(SgTable::map(task, dma()?, blocks)?)
}

fn sg_table_cpu(task: &mut TaskCx, drop: Drop) -> Outcome {
    let (blocks, memory) = blocks(task)?;
    let value = sg_table(task, blocks)?.sync_for_cpu();
    drop.of(task, value, 0, memory)
}

fn sg_table_device(task: &mut TaskCx, drop: Drop) -> Outcome {
    let (blocks, memory) = blocks(task)?;
    let value = sg_table(task, blocks)?.into_device();
    drop.kept(task, value, memory)
}
