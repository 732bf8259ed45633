// SPDX-License-Identifier: GPL-2.0

//! RCU boxes: readers see the old value or the new one and never freed memory; freeing in each
//! context.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use kalloc::prelude::*;
use kernel::{new_spinlock, page::PAGE_SIZE};
use testlib::{
    asks_for, check, check_eq, check_in_each_atomic_context, in_hardirq, in_nmi, in_nmi_if_any,
    traced, Outcome,
};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_rcu":
    contents_and_size,
    cell_gives_back_what_was_there,
    reader_keeps_a_dropped_value,
    freed_after_a_grace_period,
    readers_see_old_or_new,
    in_each_context,
    made_in_each_atomic_context,
    drop_in_each_context,
    free_may_sleep,
    cell_frees_what_it_has,
    flags_that_reach_the_kernel,
    value_comes_back_when_memory_is_short,
    large_values,
    memory_is_used_again,
    memory_freed_in_an_nmi_comes_back,
}

/// The head before the value.
const HEAD: usize = size_of::<testlib::series::kvfree_rcu_head>();

/// An initialiser of what the stack has no room for.
fn zeroes<const N: usize>() -> impl pin_init::Init<[u8; N]> {
    pin_init::init_zeroed()
}

fn contents_and_size(task: &mut TaskCx) -> Outcome {
    check_eq!(size_of::<RcuBox<[u8; 4096]>>(), 8);
    check_eq!(size_of::<Option<RcuBox<u8>>>(), 8);
    check_eq!(size_of::<RcuCell<u64>>(), 8);
    let number = RcuBox::new(&task, [7u64; 9])?;
    check_eq!(*number, [7; 9]);
    check!(task.rcu_read(|guard, _| *number.read(guard) == [7; 9]));
    // Nothing at all, and an alignment of its own.
    #[repr(align(128))]
    struct Aligned(u8);
    let aligned = RcuBox::new(&task, Aligned(3))?;
    check_eq!((&raw const *aligned).addr() % 128, 0);
    check_eq!(aligned.0, 3);
    drop(RcuBox::new(&task, ())?);
    Ok(())
}

fn cell_gives_back_what_was_there(task: &mut TaskCx) -> Outcome {
    let cell = RcuCell::empty();
    check!(task.rcu_read(|guard, _| cell.load(guard).is_none()));
    check!(cell.swap(Some(RcuBox::new(&task, 1u32)?)).is_none());
    check!(task.rcu_read(|guard, _| cell.load(guard) == Some(&1)));
    let old = cell.swap(Some(RcuBox::new(&task, 2u32)?));
    check_eq!(old.as_deref(), Some(&1));
    // What came out goes in again.
    let new = cell.swap(old);
    check_eq!(new.as_deref(), Some(&2));
    check!(task.rcu_read(|guard, _| cell.load(guard) == Some(&1)));
    check_eq!(cell.swap(None).as_deref(), Some(&1));
    check!(task.rcu_read(|guard, _| cell.load(guard).is_none()));
    let cell = RcuCell::new(RcuBox::new(&task, 3u32)?);
    check_eq!(cell.swap(None).as_deref(), Some(&3));
    Ok(())
}

fn reader_keeps_a_dropped_value(task: &mut TaskCx) -> Outcome {
    for round in 0..100u64 {
        let cell = RcuCell::new(RcuBox::new(&task, [round; 32])?);
        let whole = task.rcu_read(|guard, _cx| {
            let value = cell.load(guard);
            drop(cell);
            // Whoever got the memory now would write over it.
            testlib::udelay(100);
            value == Some(&[round; 32])
        });
        check!(whole);

        let cell = RcuCell::new(RcuBox::new(&task, [!round; 32])?);
        section!(section = task, rcu_read_lock());
        let value = cell.load(section.split().0);
        drop(cell);
        testlib::udelay(100);
        check_eq!(value, Some(&[!round; 32]));
    }
    Ok(())
}

/// The kernel does not free while a reader is there, and does once it is gone.
fn freed_after_a_grace_period(task: &mut TaskCx) -> Outcome {
    // What the many are, in pages.
    const MANY: usize = 512 * (64 << 10) / PAGE_SIZE;
    // Too large for the caches of a CPU, so that the tracepoint sees it go.
    let number = RcuBox::init(&task, zeroes::<{ 16 << 10 }>())?;
    let before = testlib::free_pages();
    drop(number);
    testlib::kvfree_rcu_barrier();
    let mut many = KBox::from_fn(&task, 512, |_| None)?;
    for slot in many.iter_mut() {
        *slot = Some(RcuBox::init(&task, zeroes::<{ 60 << 10 }>())?);
    }
    let full = testlib::free_pages();
    check!(full + MANY / 4 * 3 < before);
    let kept = task.rcu_read(|_, _| {
        many.iter_mut().for_each(|slot| drop(slot.take()));
        testlib::free_pages()
    });
    check!(kept < full + MANY / 4);
    testlib::kvfree_rcu_barrier();
    check!(testlib::free_pages() > full + MANY / 4 * 3);
    Ok(())
}

/// A reader on one CPU and a writer on another: the words of a value always agree.
fn readers_see_old_or_new(task: &mut TaskCx) -> Outcome {
    let cell = RcuCell::new(RcuBox::new(&task, [0u64; 24])?);
    let (stop, torn, reads) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let mut written = 0u64;
    testlib::on_another_cpu(
        |task: &mut TaskCx| {
            let mut last = 0;
            while !stop.load(Ordering::Relaxed) {
                task.rcu_read(|guard, _| {
                    let Some(value) = cell.load(guard) else {
                        return;
                    };
                    let first = value[0];
                    if value.iter().any(|&word| word != first) || first < last {
                        torn.fetch_add(1, Ordering::Relaxed);
                    }
                    last = first;
                });
                reads.fetch_add(1, Ordering::Relaxed);
                testlib::cond_resched();
            }
        },
        || {
            // Until both have run: on a busy machine a CPU of the guest may have to wait, and the
            // reader may have read enough before this one begins.
            while written < 1_000
                || reads.load(Ordering::Relaxed) < if written < 200_000 { 20_000 } else { 1_000 }
            {
                written += 1;
                let Ok(new) = RcuBox::new(&*task, [written; 24]) else {
                    break;
                };
                drop(cell.swap(Some(new)));
                // Whoever is given freed memory fills it with something else.
                let _ = KBox::from_fn(&*task, 24, |_| u64::MAX);
                testlib::cond_resched();
            }
            stop.store(true, Ordering::Relaxed);
        },
    )?;
    check!(written > 0);
    check_eq!(torn.load(Ordering::Relaxed), 0);
    Ok(())
}

fn in_each_context(task: &mut TaskCx) -> Outcome {
    let cell = RcuCell::empty();
    check!(task.nofs(|cx| RcuBox::new(&cx, 1).map(|new| cell.swap(Some(new))).is_ok()));
    check!(task.rcu_read(|guard, cx| {
        RcuBox::new(&cx, 2).is_ok_and(|new| {
            cell.swap(Some(new)).as_deref() == Some(&1) && cell.load(guard) == Some(&2)
        })
    }));
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    check!(task.locked(&lock, |_, cx| {
        RcuBox::new(&cx, 3).is_ok_and(|new| cell.swap(Some(new)).as_deref() == Some(&2))
    }));
    let mut spare = Some(RcuBox::new(&*task, 4)?);
    task.irqs_off(|_| spare = cell.swap(spare.take()));
    check_eq!(spare.as_deref(), Some(&3));
    in_hardirq(|_| spare = cell.swap(spare.take()))?;
    check_eq!(spare.as_deref(), Some(&4));
    let nmi = in_nmi_if_any(|cx| {
        spare = cell.swap(spare.take());
        let seen = cx.rcu_read(|guard, _| cell.load(guard) == Some(&4));
        if !seen {
            spare = None;
        }
    })?;
    check_eq!(spare.as_deref(), Some(if nmi { &3 } else { &4 }));
    Ok(())
}

/// The memory is asked for there, and with the flags of there. Before the value is what the kernel
/// frees it by.
fn made_in_each_atomic_context(task: &mut TaskCx) -> Outcome {
    check_in_each_atomic_context!(task, |cx| asks_for(
        GfpAtomic::BITS,
        || RcuBox::new(&cx, [7u64; 9]),
        |made| (&raw const **made).cast::<u8>().wrapping_sub(HEAD)
    ));
    Ok(())
}

fn drop_in_each_context(task: &mut TaskCx) -> Outcome {
    // Small, of more than a page, and larger than the caches go.
    macro_rules! each {
        ($($size:expr)*) => {$({
            let make = |task: &TaskCx| RcuBox::init(task, zeroes::<{ $size }>()).ok();
            for _ in 0..20 {
                let mut made = make(task);
                check!(made.is_some());
                drop(made);
                made = make(task);
                task.rcu_read(|_, _| drop(made.take()));
                made = make(task);
                let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
                task.locked(&lock, |_, _| drop(made.take()));
                made = make(task);
                task.irqs_off(|_| drop(made.take()));
                made = make(task);
                task.preempt_off(|_| drop(made.take()));
                made = make(task);
                in_hardirq(|_| drop(made.take()))?;
                made = make(task);
                check_eq!(in_nmi_if_any(|_| drop(made.take()))?, made.is_none());
            }
        })*};
    }
    each!(8 6000 12288);
    Ok(())
}

fn free_may_sleep(task: &mut TaskCx) -> Outcome {
    for _ in 0..20 {
        RcuBox::new(&task, 1u64)?.free(task);
        RcuBox::init(&task, zeroes::<12288>())?.free(task);
    }
    task.noio(|cx| -> Outcome {
        RcuBox::new(&cx, 1u64)?.free(cx);
        Ok(())
    })
}

fn cell_frees_what_it_has(task: &mut TaskCx) -> Outcome {
    let before = testlib::free_pages();
    for _ in 0..2000 {
        drop(RcuCell::new(RcuBox::init(&task, zeroes::<{ 60 << 10 }>())?));
    }
    testlib::kvfree_rcu_barrier();
    // 120 MiB went through.
    check!(testlib::free_pages() + 5000 > before);
    Ok(())
}

fn flags_that_reach_the_kernel(task: &mut TaskCx) -> Outcome {
    let (made, trace) = traced(|| RcuBox::new(task.with(GFP_KERNEL.account()), [1u64; 15]));
    let made = made?;
    let node = (&raw const *made).cast::<u8>().wrapping_sub(HEAD);
    let event = trace.allocation(node);
    let mut bits = 0;
    // SAFETY: The string is valid, and so is the place for the result.
    check!(unsafe {
        testlib::c::testlib_gfp(c"GFP_KERNEL | __GFP_ACCOUNT".as_char_ptr(), &mut bits)
    });
    check_eq!(
        event.map(|event| (event.size, event.gfp)),
        Some((size_of::<[u64; 15]>() + HEAD, bits))
    );
    Ok(())
}

fn value_comes_back_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    let mut full = KBox::from_fn(&task, 2048, |_| None)?;
    let mut kept = KBox::<[Option<RcuBox<[usize; 500]>>]>::from_fn(&task, 65536, |_| None)?;
    let flags = || GFP_NORECLAIM.nowarn();
    for full in full.iter_mut() {
        match RcuBox::init(task.with(flags()), zeroes::<{ (1 << 20) - 64 }>()) {
            Ok(made) => *full = Some(made),
            Err(_) => break,
        }
    }
    let mut back = None;
    for (number, kept) in kept.iter_mut().enumerate() {
        match RcuBox::new(task.with(flags()), [number; 500]) {
            Ok(made) => *kept = Some(made),
            Err(failed) => {
                back = Some((number, failed.value[499]));
                break;
            }
        }
    }
    drop((full, kept));
    testlib::kvfree_rcu_barrier();
    check!(back.is_some_and(|(number, back)| number == back));
    Ok(())
}

fn large_values(task: &mut TaskCx) -> Outcome {
    let large = RcuBox::init(&task, zeroes::<{ (4 << 20) - HEAD }>())?;
    check!(large.iter().all(|&byte| byte == 0));
    task.irqs_off(|_| drop(large));
    check_eq!(
        RcuBox::<u32>::init(&task, Err::<u32, Error>(EBUSY)).err(),
        Some(EBUSY)
    );
    Ok(())
}

/// Memory that leaked would not come back: more goes through than the guest has.
fn memory_is_used_again(task: &mut TaskCx) -> Outcome {
    for _ in 0..testlib::rounds(30) {
        for _ in 0..2500 {
            drop(RcuBox::init(&task, zeroes::<{ (16 << 10) - HEAD }>())?);
            testlib::cond_resched();
        }
        testlib::kvfree_rcu_barrier();
    }
    Ok(())
}

/// 64 MiB, of which a leak of each eighth box would be seen. Not every kernel takes them in the NMI itself.
fn memory_freed_in_an_nmi_comes_back(task: &mut TaskCx) -> Outcome {
    const BATCHES: usize = 64;
    let before = testlib::free_pages();
    for _ in 0..BATCHES {
        let mut boxes = [const { None }; 64];
        for made in &mut boxes {
            *made = Some(RcuBox::init(&task, zeroes::<{ (16 << 10) - HEAD }>())?);
        }
        in_nmi(|_| boxes.iter_mut().for_each(|made| drop(made.take())))?;
        testlib::kvfree_rcu_barrier();
    }
    check!(testlib::free_pages() + 2048 > before);
    Ok(())
}
