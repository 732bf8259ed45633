// SPDX-License-Identifier: GPL-2.0

//! Sections: each is what it says while it lasts, and is gone behind it.

use kalloc::{prelude::*, sync::ReadSide};
use kernel::{
    new_spinlock,
    sync::SpinLock, //
};
use testlib::{c, check, check_eq, place, wait_until, Outcome, FREE};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_context":
    module_init_may_sleep,
    spinlock_is_held_in_the_closure,
    spinlock_guard_form,
    guard_ends_early,
    forgotten_guard_ends_with_its_scope,
    spinlock_of_pinned_data,
    rcu_read_side_is_held,
    interrupts_are_off,
    preemption_is_off,
    bottom_halves_are_off,
    bottom_halves_end_with_interrupts_off,
    a_softirq_is_one,
    sections_nest,
    nofs_and_noio_scopes,
    noreclaim_scope,
    allocation_in_each_section,
    helpers_work_in_every_context_they_ask_for,
}

/// On PREEMPT_RT a spinlock is a sleeping lock on the RCU read side.
const LOCKED: (bool, bool, bool) = if cfg!(CONFIG_PREEMPT_RT) {
    (true, false, true)
} else {
    (false, false, false)
};

/// Without `CONFIG_PREEMPT_RCU` the read side is where preemption is off, and nothing counts it.
const READ_SIDE: (bool, bool, bool) = if cfg!(CONFIG_PREEMPT_RCU) {
    (true, false, true)
} else {
    (false, false, false)
};

fn module_init_may_sleep(task: &mut TaskCx) -> Outcome {
    check_eq!(place(), FREE);
    // It does, for a moment.
    kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
    drop(KBox::new(&task, 1u32)?);
    Ok(())
}

fn spinlock_is_held_in_the_closure(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(1u32))?;
    let (inside, free) = task.locked(&lock, |value, _cx| {
        *value += 1;
        (place(), lock.try_lock().is_some())
    });
    check_eq!(inside, LOCKED);
    check!(!free);
    check_eq!(place(), FREE);
    check_eq!(lock.try_lock().map(|value| *value), Some(2));
    Ok(())
}

fn spinlock_guard_form(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(1u32))?;
    {
        section!(held = task, lock(&lock));
        *held += 1;
        let (value, cx) = held.split();
        *value += *KBox::new(&cx, 1u32)?;
        check_eq!(place(), LOCKED);
        check!(lock.try_lock().is_none());
    }
    check_eq!(place(), FREE);
    check_eq!(lock.try_lock().map(|value| *value), Some(3));
    Ok(())
}

fn guard_ends_early(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(1u32))?;
    for turn in 0..4u32 {
        section!(held = task, lock(&lock));
        *held += 1;
        if turn % 2 == 0 {
            continue;
        }
        check_eq!(place(), LOCKED);
        let task = held.end();
        check_eq!(place(), FREE);
        check!(make(&task) && lock.try_lock().is_some());
        section!(off = task, local_irq_save());
        check_eq!(place(), (false, true, false));
        section!(side = off.cx(), rcu_read_lock());
        check_eq!(place(), (false, true, READ_SIDE.2));
        side.end();
        check_eq!(place(), (false, true, false));
    }
    check_eq!(place(), FREE);
    check_eq!(lock.try_lock().map(|value| *value), Some(5));
    Ok(())
}

fn forgotten_guard_ends_with_its_scope(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(1u32))?;
    {
        section!(held = task, lock(&lock));
        // That there is nothing to forget is what is tested.
        #[allow(clippy::forget_non_drop)]
        core::mem::forget(held);
        check_eq!(place(), LOCKED);
    }
    check_eq!(place(), FREE);
    let leaked: *mut core::mem::MaybeUninit<usize> = {
        let room = KBox::new_uninit(&task)?;
        section!(off = task, local_irq_save());
        let leaked = core::ptr::from_mut(room.write(off).leak()).cast();
        check_eq!(place(), (false, true, false));
        leaked
    };
    check_eq!(place(), FREE);
    // SAFETY: It is memory of a box, and what was in it has nothing to drop and is not used again.
    drop(unsafe { KBox::from_raw(leaked) });
    check_eq!(lock.try_lock().map(|value| *value), Some(1));
    Ok(())
}

fn spinlock_of_pinned_data(task: &mut TaskCx) -> Outcome {
    struct Pinned(u32, #[allow(dead_code)] core::marker::PhantomPinned);
    let lock = KBox::pin_init(&task, new_spinlock!(Pinned(7, core::marker::PhantomPinned)))?;
    check_eq!(task.locked_pin(&lock, |data, _cx| data.0), 7);
    Ok(())
}

fn rcu_read_side_is_held(task: &mut TaskCx) -> Outcome {
    let inside = task.rcu_read(|_side: &ReadSide, _cx| place());
    check_eq!(inside, READ_SIDE);
    check_eq!(place(), FREE);
    {
        section!(_section = task, rcu_read_lock());
        check_eq!(place(), READ_SIDE);
    }
    check_eq!(place(), FREE);
    check_eq!(size_of::<ReadSide>(), 0);
    Ok(())
}

fn interrupts_are_off(task: &mut TaskCx) -> Outcome {
    check_eq!(task.irqs_off(|_cx| place()), (false, true, false));
    check_eq!(place(), FREE);
    {
        section!(_section = task, local_irq_save());
        check_eq!(place(), (false, true, false));
    }
    check_eq!(place(), FREE);
    Ok(())
}

fn preemption_is_off(task: &mut TaskCx) -> Outcome {
    check_eq!(task.preempt_off(|_cx| place()), (false, false, false));
    check_eq!(place(), FREE);
    {
        section!(_section = task, preempt_disable());
        check_eq!(place(), (false, false, false));
    }
    check_eq!(place(), FREE);
    Ok(())
}

fn bottom_halves_are_off(task: &mut TaskCx) -> Outcome {
    // SAFETY: It has no preconditions.
    let in_softirq = || unsafe { c::testlib_in_softirq() };
    check!(!in_softirq());
    // On PREEMPT_RT they stay preemptible, on the RCU read side.
    check_eq!(task.bh_off(|_cx| (in_softirq(), place())), (true, LOCKED));
    check!(!in_softirq() && place() == FREE);
    // They stay disabled until the outer section ends.
    check!(task.bh_off(|cx| {
        cx.bh_off(|_cx| ());
        in_softirq()
    }));
    {
        section!(section = task, local_bh_disable());
        check!(in_softirq() && make(section.cx()));
    }
    check!(!in_softirq() && place() == FREE);
    Ok(())
}

/// A guard of the kernel crate that leaves the section keeps interrupts off: softirqs, which would
/// enable them, wait.
fn bottom_halves_end_with_interrupts_off(task: &mut TaskCx) -> Outcome {
    if cfg!(CONFIG_PREEMPT_RT) {
        return Err(testlib::Stop::Skip("the kernel cannot, and kalloc warns"));
    }
    let disable = testlib::series::LOCAL_INTERRUPT_DISABLE
        .ok_or(testlib::Stop::Skip("the kernel crate has no such guard"))?;
    // SAFETY: It has no preconditions.
    let ran = || unsafe { c::testlib_tasklet_ran() };
    let before = ran();
    let off = task.bh_off(|_cx| {
        // SAFETY: It has no preconditions.
        unsafe { c::testlib_tasklet_schedule() };
        disable()
    });
    // SAFETY: It has no preconditions.
    let seen = (ran() - before, unsafe { c::testlib_irqs_disabled() });
    drop(off);
    check_eq!(seen, (0, true));
    check!(wait_until(task, || ran() == before + 1));
    // SAFETY: It has no preconditions.
    check!(!unsafe { c::testlib_in_softirq() } && place() == FREE);
    Ok(())
}

fn a_softirq_is_one(_task: &mut TaskCx) -> Outcome {
    // SAFETY: It has no preconditions.
    let in_softirq = || unsafe { c::testlib_in_softirq() };
    let mut seen = (false, false);
    testlib::in_softirq(|cx| seen = (in_softirq(), make(&cx)))?;
    check_eq!(seen, (true, true));
    Ok(())
}

fn sections_nest(task: &mut TaskCx) -> Outcome {
    let (a, b) = (
        KBox::pin_init(&task, new_spinlock!(1u32))?,
        KBox::pin_init(&task, new_spinlock!(2u32))?,
    );
    let innermost = task.locked(&a, |outer, cx| {
        cx.locked(&b, |inner, cx| {
            core::mem::swap(outer, inner);
            cx.rcu_read(|_, cx| cx.irqs_off(|cx| cx.irqs_off(|_| place())))
        })
    });
    check_eq!(innermost, (false, true, READ_SIDE.2));
    check_eq!(place(), FREE);
    check_eq!(a.try_lock().map(|value| *value), Some(2));
    check_eq!(b.try_lock().map(|value| *value), Some(1));
    // Interrupts stay off until the outer section ends.
    check!(task.irqs_off(|cx| {
        cx.irqs_off(|_| ());
        place().1
    }));
    Ok(())
}

fn nofs_and_noio_scopes(task: &mut TaskCx) -> Outcome {
    // SAFETY: Neither has preconditions.
    let scope = || unsafe { (c::testlib_in_nofs_scope(), c::testlib_in_noio_scope()) };
    check_eq!(scope(), (false, false));
    check_eq!(task.nofs(|_| scope()), (true, false));
    check_eq!(task.noio(|_| scope()), (false, true));
    check_eq!(task.nofs(|cx| cx.noio(|_| scope())), (true, true));
    check_eq!(scope(), (false, false));
    {
        section!(outer = task, memalloc_nofs_save());
        section!(_inner = outer.cx(), memalloc_noio_save());
        check_eq!(scope(), (true, true));
    }
    check_eq!(scope(), (false, false));
    Ok(())
}

fn noreclaim_scope(task: &mut TaskCx) -> Outcome {
    // SAFETY: It has no preconditions.
    let scope = || unsafe { c::testlib_in_noreclaim_scope() };
    check!(!scope());
    check!(task.noreclaim(|_| scope()));
    check!(task.noreclaim(|cx| {
        cx.noreclaim(|_| ());
        cx.nofs(|_| ());
        scope()
    }));
    check!(task.nofs(|cx| cx.noreclaim(|_| scope())));
    check!(!scope());
    {
        section!(section = task, memalloc_noreclaim_save());
        check!(scope() && make(section.cx()));
    }
    check!(!scope());
    Ok(())
}

/// A box made and dropped: what a section must be able to do.
fn make<C: MayAlloc>(cx: &C) -> bool {
    KBox::new(cx, [0u8; 100]).is_ok()
}

fn allocation_in_each_section(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    check!(make(&task));
    check!(task.nofs(|cx| make(&cx)));
    check!(task.noio(|cx| make(&cx)));
    check!(task.locked(&lock, |_, cx| make(&cx)));
    check!(task.rcu_read(|_, cx| make(&cx)));
    // A box from outside may end inside.
    let memory = KBox::new(&task, 1u32)?;
    task.locked(&lock, |_, _cx| drop(memory));
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        check!(task.irqs_off(|cx| make(&cx)));
        check!(task.preempt_off(|cx| make(&cx)));
        check!(task.irqs_off(|cx| cx.locked(&lock, |_, cx| make(&cx))));
        let memory = KBox::new(&task, 1u32)?;
        task.irqs_off(|_cx| drop(memory));
    }
    Ok(())
}

fn helpers_work_in_every_context_they_ask_for(task: &mut TaskCx) -> Outcome {
    fn sleeps<C: MaySleep>(cx: &mut C) -> Result<KBox<u32>> {
        // Both as the default and by name, and on.
        drop(KBox::new(cx.with(GFP_NOIO.account()), 1u32)?);
        cx.noio(|cx| KBox::new(&cx, 2u32).map(drop))?;
        Ok(KBox::new(&cx, 3u32)?)
    }
    fn any<C: MayAlloc>(cx: &mut C, lock: &SpinLock<u32>) -> u32 {
        cx.locked(lock, |value, cx| {
            *value += u32::from(make(&cx));
            *value
        })
    }
    fn by_reference(task: &mut TaskCx) -> Result<KBox<u32>> {
        KBox::new(&task, 4u32)?;
        let _again = sleeps(task)?;
        Ok(KBox::new(&task, 5u32)?)
    }

    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    check_eq!(*sleeps(task)?, 3);
    check_eq!(*task.nofs(|cx| sleeps(cx))?, 3);
    check_eq!(*task.noio(|cx| sleeps(cx))?, 3);
    check_eq!(*task.noreclaim(|cx| sleeps(cx))?, 3);
    check_eq!(*by_reference(task)?, 5);
    check_eq!(any(task, &lock), 1);
    check_eq!(task.nofs(|cx| any(cx, &lock)), 2);
    check_eq!(task.rcu_read(|_, cx| any(cx, &lock)), 3);
    check_eq!(any(&mut task.as_atomic(), &lock), 4);
    check_eq!(any(&mut task.as_irq(), &lock), 5);
    Ok(())
}
