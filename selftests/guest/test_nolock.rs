// SPDX-License-Identifier: GPL-2.0

//! GfpNolock boxes: in every context, a real NMI among them.

use core::{
    mem::align_of,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};
use kalloc::{
    gfp::{Account, ForNolock, Zeroed},
    nolock::{self, NolockPages},
    prelude::*,
};
use kernel::{new_spinlock, page::PAGE_SIZE};
use testlib::{
    check, check_eq, check_in_each_atomic_context, in_hardirq, in_nmi, in_nmi_if_any,
    is_in_hardirq, is_in_nmi, traced, Counted, Outcome,
};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_nolock":
    in_each_context,
    in_a_hard_interrupt,
    in_an_nmi,
    in_an_nmi_over_allocations,
    dropped_in_another_context,
    drop_runs_once,
    value_comes_back,
    nothing_takes_no_memory,
    sizes_up_to_the_maximum,
    alignment_of_types,
    large_alignments,
    zeroed_memory_is_zero,
    flags_and_node,
    goes_on_as_a_kbox,
    memory_is_used_again,
    pages_in_each_context,
    pages_are_zero_and_whole,
    pages_are_used_again,
}

/// Where the kernel always returns NULL.
const NEVER_IN_INTERRUPTS: bool = cfg!(CONFIG_PREEMPT_RT);

/// The kernel may fail now and then, where a lock is taken: not sixteen times.
fn new<G, T>(grant: G, value: T) -> Option<NolockBox<T>>
where
    G: nolock::NolockGrant<Flags: ForNolock>,
{
    let mut value = value;
    for _ in 0..16 {
        match NolockBox::new(grant, value) {
            Ok(memory) => return Some(memory),
            Err(failed) => value = failed.value,
        }
    }
    None
}

fn in_each_context(task: &mut TaskCx) -> Outcome {
    macro_rules! works {
        ($cx:expr) => {{
            let made = new(&$cx, [7u64; 8]);
            made.is_some_and(|made| made.iter().all(|&word| word == 7))
        }};
    }
    check!(works!(task));
    check!(task.nofs(|cx| works!(cx)));
    check!(task.noio(|cx| works!(cx)));
    check_in_each_atomic_context!(task, |cx| works!(cx));
    check!(works!(task.as_irq()));
    // With interrupts and with preemption off it works on PREEMPT_RT too.
    check!(task.irqs_off(|cx| works!(cx)));
    check!(task.preempt_off(|cx| works!(cx)));
    Ok(())
}

fn in_a_hard_interrupt(_task: &mut TaskCx) -> Outcome {
    let (mut there, mut made) = (false, 0);
    in_hardirq(|cx| {
        there = is_in_hardirq();
        for _ in 0..100 {
            if let Some(memory) = new(&*cx, 7u64) {
                made += usize::from(*memory == 7);
            }
        }
    })?;
    check!(there);
    check_eq!(made, if NEVER_IN_INTERRUPTS { 0 } else { 100 });
    Ok(())
}

fn in_an_nmi(_task: &mut TaskCx) -> Outcome {
    let (mut there, mut made) = (false, 0);
    in_nmi(|cx| {
        there = is_in_nmi();
        for number in 0..100 {
            if let Some(memory) = new(&*cx, [number; 16]) {
                made += usize::from(*memory == [number; 16]);
            }
        }
    })?;
    check!(there);
    check_eq!(made, if NEVER_IN_INTERRUPTS { 0 } else { 100 });
    Ok(())
}

/// What was made in an NMI stays whole when the code that was interrupted allocates on.
fn in_an_nmi_over_allocations(task: &mut TaskCx) -> Outcome {
    let mut kept: [Option<NolockBox<[usize; 8]>>; 16] = [const { None }; 16];
    for (round, kept) in kept.iter_mut().enumerate() {
        let before = KBox::from_fn(&task, 64, |_| 0x55u8)?;
        in_nmi(|cx| *kept = new(&*cx, [round; 8]))?;
        let after = KBox::from_fn(&task, 64, |_| 0xaau8)?;
        check!(before.iter().all(|&byte| byte == 0x55) && after.iter().all(|&byte| byte == 0xaa));
    }
    for (round, kept) in kept.iter().enumerate() {
        match kept {
            Some(kept) => check_eq!(**kept, [round; 8]),
            None => check!(NEVER_IN_INTERRUPTS),
        }
    }
    // And goes back in another one.
    in_nmi(|_| kept.iter_mut().for_each(|kept| drop(kept.take())))?;
    Ok(())
}

fn dropped_in_another_context(task: &mut TaskCx) -> Outcome {
    fn make(task: &TaskCx) -> Option<NolockBox<[u8; 96]>> {
        new(task, [1; 96])
    }
    for _ in 0..100 {
        let mut made = make(task);
        check!(made.is_some());
        task.irqs_off(|_| drop(made.take()));
        made = make(task);
        task.preempt_off(|_| drop(made.take()));
        made = make(task);
        let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
        task.locked(&lock, |_, _| drop(made.take()));
        made = make(task);
        task.rcu_read(|_, _| drop(made.take()));
    }
    let mut made = make(task);
    in_hardirq(|_| drop(made.take()))?;
    made = make(task);
    check_eq!(in_nmi_if_any(|_| drop(made.take()))?, made.is_none());
    Ok(())
}

fn drop_runs_once(task: &mut TaskCx) -> Outcome {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    drop(new(&*task, Counted(&DROPS)));
    check_eq!(DROPS.load(Ordering::Relaxed), 1);
    let Some(made) = new(&*task, Counted(&DROPS)) else {
        return Err(ENOMEM.into());
    };
    let inner = made.into_inner();
    check_eq!(DROPS.load(Ordering::Relaxed), 1);
    drop(inner);
    check_eq!(DROPS.load(Ordering::Relaxed), 2);
    Ok(())
}

/// Where the kernel always fails, the caller has its value back.
fn value_comes_back(_task: &mut TaskCx) -> Outcome {
    if !NEVER_IN_INTERRUPTS {
        return Err(testlib::Stop::Skip(
            "it does not fail on purpose off PREEMPT_RT",
        ));
    }
    let mut back = None;
    in_nmi(|cx| back = NolockBox::new(&*cx, 7u64).err().map(|failed| failed.value))?;
    check_eq!(back, Some(7));
    Ok(())
}

fn nothing_takes_no_memory(task: &mut TaskCx) -> Outcome {
    let mut made = false;
    // Also where memory never is to be had.
    if !in_nmi_if_any(|cx| made = NolockBox::new(&*cx, ()).is_ok())? {
        in_hardirq(|cx| made = NolockBox::new(&*cx, ()).is_ok())?;
    }
    check!(made);
    drop(NolockBox::new(&*task, ())?.into_kbox(task));
    Ok(())
}

fn sizes_up_to_the_maximum(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($size:expr)*) => {$({
            let mut made = None;
            for _ in 0..16 {
                made = made.or_else(|| NolockBox::<[u8; $size]>::new_uninit(&*task).ok());
            }
            let Some(mut made) = made else { return Err(ENOMEM.into()) };
            // SAFETY: All of it may be written.
            unsafe { made.as_mut_ptr().write_bytes(0xa5, 1) };
        })*};
    }
    each!(1 8 9 64 96 192 1024 4096 8192);
    check_eq!(nolock::MAX_SIZE, 2 * PAGE_SIZE);
    Ok(())
}

/// Where another CPU has a lock of the cache there is memory of the next larger one, which is aligned
/// to less: that is a failure. With `slab_debug` the lock is taken for each object.
fn large_alignments(task: &mut TaskCx) -> Outcome {
    #[repr(align(64))]
    struct Line(#[allow(dead_code)] [u8; 64]);
    #[repr(align(128))]
    struct Lines(#[allow(dead_code)] [u8; 128]);
    /// Whether there is memory, and whether it is aligned.
    fn look<T>(task: &TaskCx) -> (usize, usize) {
        let Ok(memory) = NolockBox::<T>::new_uninit(task) else {
            return (0, 0);
        };
        let odd = (&raw const *memory).addr() % align_of::<T>();
        (1, usize::from(odd != 0))
    }
    let task = &*task;
    let done = AtomicBool::new(false);
    let (mut made, mut wrong) = (0, 0);
    testlib::on_another_cpu(
        |task| {
            while !done.load(Ordering::Relaxed) {
                drop(KBox::<[u8; 64]>::zeroed(&*task));
                drop(KBox::<[u8; 128]>::zeroed(&*task));
                testlib::cond_resched();
            }
        },
        || {
            for _ in 0..20_000 {
                for (some, odd) in [look::<Line>(task), look::<Lines>(task)] {
                    made += some;
                    wrong += odd;
                }
            }
            done.store(true, Ordering::Relaxed);
        },
    )?;
    check!(made > 0);
    check_eq!(wrong, 0);
    Ok(())
}

fn alignment_of_types(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($align:literal)*) => {$({
            #[repr(align($align))]
            struct Aligned(#[allow(dead_code)] [u8; $align / 2 + 1]);
            let Some(made) = new(&*task, [const { Aligned([0; $align / 2 + 1]) }; 3]) else {
                return Err(ENOMEM.into());
            };
            check_eq!((&raw const *made).addr() % align_of::<Aligned>(), 0);
        })*};
    }
    each!(2 8 16 64 256 1024);
    Ok(())
}

fn zeroed_memory_is_zero(task: &mut TaskCx) -> Outcome {
    for _ in 0..32 {
        drop(new(&*task, [0xa5u8; 512]));
        let made = NolockBox::<[u8; 512]>::zeroed(&*task)?;
        check!(made.iter().all(|&byte| byte == 0));
        let made = NolockBox::<[u8; 512]>::zeroed(task.with(GFP_NOLOCK.account()))?;
        check!(made.iter().all(|&byte| byte == 0));
    }
    Ok(())
}

fn flags_and_node(task: &mut TaskCx) -> Outcome {
    let node = Node::local();
    let Some(made) = new(task.with(GFP_NOLOCK.account().zeroed()).on(node), [1u8; 64]) else {
        return Err(ENOMEM.into());
    };
    // SAFETY: It is memory of the kernel.
    let nid = unsafe { testlib::c::testlib_node((&raw const *made).cast()) };
    check_eq!(nid, node.id());
    check_eq!(<Zeroed<Account<GfpNolock>> as Gfp>::BITS, {
        <GfpKernel as Gfp>::BITS ^ <Zeroed<Account<GfpKernel>> as Gfp>::BITS
    });
    Ok(())
}

fn goes_on_as_a_kbox(task: &mut TaskCx) -> Outcome {
    let mut made = None;
    let nmi = in_nmi_if_any(|cx| made = new(&*cx, [7u32; 32]))?;
    if made.is_none() && (!nmi || NEVER_IN_INTERRUPTS) {
        made = new(&*task, [7u32; 32]);
    }
    let Some(made) = made else {
        return Err(ENOMEM.into());
    };
    let ptr = &raw const *made;
    let (kept, trace) = traced(|| {
        let kept = made.into_kbox(task);
        let whole = *kept == [7; 32];
        drop(kept);
        whole
    });
    check!(kept);
    check_eq!(trace.frees(ptr), 1);
    Ok(())
}

/// Memory that leaked would not come back.
fn memory_is_used_again(task: &mut TaskCx) -> Outcome {
    const SIZE: usize = 8192;
    // More than the guest has, unless kmemleak looks.
    const ROUNDS: usize = if cfg!(CONFIG_DEBUG_KMEMLEAK) { 1 } else { 200 };
    let before = testlib::free_pages();
    for _ in 0..ROUNDS * 500 {
        let _ = NolockBox::<[u8; SIZE]>::new_uninit(&*task);
    }
    for _ in 0..ROUNDS {
        in_nmi_if_any(|cx| {
            for _ in 0..500 {
                let _ = NolockBox::<[u8; SIZE]>::new_uninit(&*cx);
            }
        })?;
    }
    check!(new(&*task, [1u8; 4096]).is_some());
    check!(testlib::free_pages() + 20_000 > before);
    Ok(())
}

fn pages_in_each_context(task: &mut TaskCx) -> Outcome {
    fn works<G>(grant: G) -> bool
    where
        G: nolock::NolockGrant<Flags: ForNolock>,
    {
        NolockPages::<0>::new(grant).is_ok_and(|pages| pages.iter().all(|&byte| byte == 0))
    }
    check!(works(&*task));
    check!(task.rcu_read(|_, cx| works(&*cx)));
    check!(task.irqs_off(|cx| works(&*cx)));
    check!(task.preempt_off(|cx| works(&*cx)));
    let (mut in_irq, mut in_handler) = (false, false);
    in_hardirq(|cx| in_irq = works(&*cx))?;
    let nmi = in_nmi_if_any(|cx| in_handler = is_in_nmi() && works(&*cx))?;
    check_eq!(
        (in_irq, in_handler),
        (!NEVER_IN_INTERRUPTS, nmi && !NEVER_IN_INTERRUPTS)
    );
    // Made here and freed there.
    let mut pages = NolockPages::<1>::new(&*task).ok();
    in_hardirq(|_| drop(pages.take()))?;
    pages = NolockPages::<1>::new(task.with(GFP_NOLOCK.account())).ok();
    check_eq!(in_nmi_if_any(|_| drop(pages.take()))?, pages.is_none());
    Ok(())
}

fn pages_are_zero_and_whole(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($order:literal)*) => {$({
            for _ in 0..8 {
                let mut pages = NolockPages::<$order>::new(&*task)?;
                check_eq!(pages.len(), PAGE_SIZE << $order);
                check_eq!(pages.as_ptr().addr() % pages.len(), 0);
                check!(pages.iter().all(|&byte| byte == 0));
                pages.fill(0xa5);
                task.irqs_off(|_| drop(pages));
            }
        })*};
    }
    each!(0 1 2 3);
    check_eq!(nolock::MAX_ORDER, 3);
    Ok(())
}

/// More goes through than the guest has, freed in each way.
fn pages_are_used_again(task: &mut TaskCx) -> Outcome {
    let mut made = 0;
    for round in 0..testlib::rounds(900) {
        let mut pages = [const { None }; 64];
        for pages in &mut pages {
            *pages = NolockPages::<3>::new(&*task).ok();
            made += usize::from(pages.is_some());
        }
        let mut free = || pages.iter_mut().for_each(|pages| drop(pages.take()));
        match round % 3 {
            0 if in_nmi_if_any(|_| free())? => (),
            1 => task.irqs_off(|_| free()),
            _ => free(),
        }
        testlib::cond_resched();
    }
    // 57600 of 32 KiB are 1.8 GiB. Now and then a lock is taken.
    check!(made > testlib::rounds(900) * 55);
    Ok(())
}
