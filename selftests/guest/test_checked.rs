// SPDX-License-Identifier: GPL-2.0

//! Grants that ask the kernel, and claims that the kernel checks: in each context, real ones.

use kalloc::{
    checked::Checked,
    prelude::*,
    sync::{
        new_mutex,
        new_raw_spinlock,
        new_rwlock,
        new_spinlock,
        new_spinlock_irq,
        rcu, //
    },
};
use testlib::{
    check, check_eq, in_hardirq, in_nmi, in_nmi_if_any, in_softirq, traced, Outcome, Stop,
};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_checked":
    memory_where_the_code_may_sleep,
    flags_are_those_asked_for,
    none_in_kallocs_sections,
    none_in_the_kernel_crates_sections,
    none_in_interrupts,
    none_in_an_nmi,
    value_comes_back,
    each_use_asks,
    true_claims_are_quiet,
}

/// Whether there was memory from each allocator.
fn memory() -> [bool; 6] {
    [
        KBox::new(Checked, 1u32).is_ok(),
        KBox::<[u8; 16384]>::zeroed(Checked).is_ok(),
        KBox::<[u8]>::zeroed_slice(Checked.with(GFP_NOFS), 100).is_ok(),
        VBox::<[u8; 100]>::zeroed(Checked).is_ok(),
        KVBox::<[u8; 100]>::zeroed(Checked.with(GFP_NOIO.account())).is_ok(),
        Checked.may_sleep(),
    ]
}

const ALL: [bool; 6] = [true; 6];
const NONE: [bool; 6] = [false; 6];

fn memory_where_the_code_may_sleep(task: &mut TaskCx) -> Outcome {
    check_eq!(memory(), ALL);
    check_eq!(task.nofs(|_| memory()), ALL);
    let mutex = KBox::pin_init(&*task, new_mutex!(()))?;
    check_eq!(task.mutex_locked(&mutex, |_, _| memory()), ALL);
    check_eq!(memory(), ALL);
    Ok(())
}

fn flags_are_those_asked_for(task: &mut TaskCx) -> Outcome {
    let (memory, trace) = traced(|| KBox::new(task.with(GFP_KERNEL.account()), [0u8; 100]));
    let memory = memory?;
    let expected = trace.allocation(&raw const *memory).map(|event| event.gfp);
    let (memory, trace) = traced(|| KBox::new(Checked.with(GFP_KERNEL.account()), [0u8; 100]));
    let memory = memory?;
    check!(expected.is_some());
    check_eq!(
        trace.allocation(&raw const *memory).map(|event| event.gfp),
        expected
    );
    Ok(())
}

fn none_in_kallocs_sections(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_spinlock!(()))?;
    let lock_irq = KBox::pin_init(&*task, new_spinlock_irq!(()))?;
    let raw = KBox::pin_init(&*task, new_raw_spinlock!(()))?;
    let rw = KBox::pin_init(&*task, new_rwlock!(()))?;
    check_eq!(task.locked(&lock, |(), _| memory()), NONE);
    check_eq!(task.locked_irq(&lock_irq, |(), _| memory()), NONE);
    check_eq!(task.raw_locked(&raw, |(), _| memory()), NONE);
    check_eq!(task.read_locked(&rw, |(), _| memory()), NONE);
    check_eq!(task.write_locked(&rw, |(), _| memory()), NONE);
    check_eq!(task.rcu_read(|_, _| memory()), NONE);
    check_eq!(task.bh_off(|_| memory()), NONE);
    check_eq!(task.irqs_off(|_| memory()), NONE);
    check_eq!(task.preempt_off(|_| memory()), NONE);
    check_eq!(memory(), ALL);
    Ok(())
}

/// What no token shows.
fn none_in_the_kernel_crates_sections(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_spinlock!(()))?;
    let held = lock.lock();
    check_eq!(memory(), NONE);
    drop(held);
    let reading = rcu::read_lock();
    check_eq!(memory(), NONE);
    drop(reading);
    if let Some(disable) = testlib::series::LOCAL_INTERRUPT_DISABLE {
        let off = disable();
        check_eq!(memory(), NONE);
        drop(off);
    }
    check_eq!(memory(), ALL);
    Ok(())
}

fn none_in_interrupts(_task: &mut TaskCx) -> Outcome {
    let mut seen = ALL;
    in_hardirq(|_| seen = memory())?;
    check_eq!(seen, NONE);
    seen = ALL;
    in_softirq(|_| seen = memory())?;
    check_eq!(seen, NONE);
    Ok(())
}

fn none_in_an_nmi(_task: &mut TaskCx) -> Outcome {
    let mut seen = ALL;
    in_nmi(|_| seen = memory())?;
    check_eq!(seen, NONE);
    Ok(())
}

fn value_comes_back(task: &mut TaskCx) -> Outcome {
    let value = KBox::new(&*task, 7u32)?;
    let back = task.preempt_off(|_| KBox::new(Checked, value).map_err(|failed| failed.value));
    check_eq!(back.err().map(|value| *value), Some(7));
    Ok(())
}

/// A grant from where the code may sleep is none where it may not.
fn each_use_asks(task: &mut TaskCx) -> Outcome {
    let grant = Checked.with(GFP_KERNEL);
    check!(KBox::new(grant, 1u32).is_ok());
    check!(task.preempt_off(|_| KBox::new(grant, 1u32).is_err()));
    check!(KBox::new(grant, 1u32).is_ok());
    Ok(())
}

/// A warning would fail the run; that false ones warn is for `provoke_claim.ko` to show.
// A token that is not used is dropped.
#[allow(clippy::drop_non_drop)]
fn true_claims_are_quiet(task: &mut TaskCx) -> Outcome {
    if !cfg!(CONFIG_DEBUG_ATOMIC_SLEEP) {
        return Err(Stop::Skip(
            "claims are checked with CONFIG_DEBUG_ATOMIC_SLEEP",
        ));
    }
    let lock = KBox::pin_init(&*task, new_spinlock!(()))?;
    // SAFETY: Each is true, and the token is not used.
    unsafe {
        let _ = TaskCx::assume();
        task.nofs(|_| drop(NoFsCx::assume()));
        task.noio(|_| drop(NoIoCx::assume()));
        task.noreclaim(|_| drop(NoReclaimCx::assume()));
        task.locked(&lock, |(), _| drop(AtomicCx::assume()));
        task.rcu_read(|_, _| drop(AtomicCx::assume()));
        task.bh_off(|_| drop(BhCx::assume()));
        task.irqs_off(|_| drop(RawCx::assume()));
        task.preempt_off(|_| drop(RawCx::assume()));
    }
    // The contexts of testlib claim theirs.
    in_softirq(|_| ())?;
    in_hardirq(|_| ())?;
    in_nmi_if_any(|_| ())?;
    Ok(())
}
