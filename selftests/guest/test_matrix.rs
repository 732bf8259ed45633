// SPDX-License-Identifier: GPL-2.0

//! All flags in all contexts that may use them: Documentation/matrix.rst names the test of each cell.

use kalloc::sync::{new_spinlock, new_spinlock_irq};
use kalloc::{nolock::NolockPages, prelude::*};
use testlib::{check, in_hardirq, in_nmi, in_softirq, Outcome, Place};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_matrix":
    task,
    nofs,
    noio,
    noreclaim,
    atomic,
    bh,
    irq,
    raw,
    nmi,
}

/// Takes a page, which goes with all flags, and gives it back.
macro_rules! page {
    ($cx:expr, GFP_NOLOCK $(. $modifier:ident())?) => {{
        // Where it may not, the kernel gives NULL.
        drop(NolockPages::<0>::new($cx.with(GFP_NOLOCK$(.$modifier())?)));
        true
    }};
    ($cx:expr, $flags:ident $(. $modifier:ident())?) => {
        Pages::new_uninit($cx.with($flags$(.$modifier())?), Order::<0>).is_ok()
    };
}

/// A row a context: its flags, and the modifiers of those that are its default.
macro_rules! cells {
    ($($(#[$cfg:meta])* $name:ident: $cx:ty => [$($flags:ident)*], $default:tt $modifiers:tt;)*) => {
        mod cells {
            use super::*;
            $(
                $(#[$cfg])*
                pub(super) fn $name(cx: &$cx) -> bool {
                    true $(&& page!(cx, $flags))* && cells!(@modified cx, $default $modifiers)
                }
            )*
        }
    };
    (@modified $cx:expr, $default:tt [$($modifier:ident)*]) => {
        true $(&& page!($cx, $default.$modifier()))*
    };
}

#[rustfmt::skip]
cells! {
    task: TaskCx => [
        GFP_KERNEL GFP_KERNEL_ACCOUNT GFP_USER GFP_HIGHUSER GFP_HIGHUSER_MOVABLE GFP_NOFS GFP_NOIO GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK
    ], GFP_KERNEL [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable noretry retry_mayfail nofail
    ];
    nofs: NoFsCx<'_> => [GFP_NOFS GFP_NOIO GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK], GFP_NOFS [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable noretry retry_mayfail nofail
    ];
    noio: NoIoCx<'_> => [GFP_NOIO GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK], GFP_NOIO [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable noretry retry_mayfail nofail
    ];
    noreclaim: NoReclaimCx<'_> => [GFP_NOIO GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK], GFP_NOIO [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable noretry retry_mayfail
    ];
    atomic: AtomicCx<'_> => [GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK], GFP_ATOMIC [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable
    ];
    bh: BhCx<'_> => [GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK], GFP_ATOMIC [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable
    ];
    irq: IrqCx<'_> => [GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK], GFP_ATOMIC [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable
    ];
    #[cfg(not(CONFIG_PREEMPT_RT))]
    raw: RawCx<'_> => [GFP_ATOMIC GFP_NOWAIT GFP_NORECLAIM GFP_NOLOCK], GFP_ATOMIC [
        zeroed nowarn account thisnode comp hardwall nomemalloc dma dma32 highmem movable reclaimable
    ];
    #[cfg(CONFIG_PREEMPT_RT)]
    raw: RawCx<'_> => [GFP_NOLOCK], GFP_NOLOCK [zeroed account];
    nmi: NmiCx<'_> => [GFP_NOLOCK], GFP_NOLOCK [zeroed account];
}

fn task(task: &mut TaskCx) -> Outcome {
    check!(cells::task(task));
    Ok(())
}

fn nofs(task: &mut TaskCx) -> Outcome {
    check!(task.nofs(|cx| cells::nofs(cx)));
    Ok(())
}

fn noio(task: &mut TaskCx) -> Outcome {
    check!(task.noio(|cx| cells::noio(cx)));
    check!(task.nofs(|cx| cx.noio(|cx| cells::noio(cx))));
    Ok(())
}

fn noreclaim(task: &mut TaskCx) -> Outcome {
    check!(task.noreclaim(|cx| cells::noreclaim(cx)));
    check!(task.nofs(|cx| cx.noreclaim(|cx| cells::noreclaim(cx))));
    Ok(())
}

fn atomic(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_spinlock!(()))?;
    check!(task.locked(&lock, |(), cx| cells::atomic(cx)));
    check!(task.rcu_read(|_, cx| cells::atomic(cx)));
    Ok(())
}

fn bh(task: &mut TaskCx) -> Outcome {
    check!(task.bh_off(|cx| cells::bh(cx)));
    let mut works = false;
    in_softirq(|cx| works = cells::bh(cx))?;
    check!(works);
    Ok(())
}

fn irq(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_spinlock_irq!(()))?;
    let (place, works) = task.locked_irq(&lock, |(), cx| (Place::here(), cells::irq(cx)));
    check!(works);
    // On PREEMPT_RT they stay on.
    check!(place.is(Place::IRQS_OFF) != cfg!(CONFIG_PREEMPT_RT));
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        let (mut there, mut works) = (false, false);
        in_hardirq(|_| {
            there = Place::here().is(Place::HARDIRQ);
            // SAFETY: A hard interrupt may do more here than what `IrqCx` permits.
            works = cells::irq(&unsafe { IrqCx::assume() });
        })?;
        check!(there && works);
    }
    Ok(())
}

fn raw(task: &mut TaskCx) -> Outcome {
    check!(task.irqs_off(|cx| cells::raw(cx)));
    check!(task.preempt_off(|cx| cells::raw(cx)));
    let mut works = false;
    in_hardirq(|cx| works = cells::raw(cx))?;
    check!(works);
    Ok(())
}

fn nmi(_task: &mut TaskCx) -> Outcome {
    let mut works = false;
    in_nmi(|cx| works = cells::nmi(cx))?;
    check!(works);
    Ok(())
}
