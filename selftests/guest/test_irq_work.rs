// SPDX-License-Identifier: GPL-2.0

//! Work in hard interrupts, and handlers of NMIs, which hand over by it.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use kalloc::{
    irq::{Hard, Kind, Threadable},
    irq_work::{IrqWork, Run},
    prelude::*,
};
use kernel::{
    new_spinlock,
    sync::Arc,
    time::{delay::fsleep, Delta},
};
use testlib::{check, check_eq, wait_until, Outcome, Place, Seen};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_irq_work":
    work_runs_in_an_interrupt,
    hard_work_runs_in_a_hard_interrupt,
    queued_work_runs_once,
    work_is_queued_in_every_context,
    sync_waits_for_both_of_two_cpus,
    dropped_work_has_run,
    work_is_dropped_in_every_context,
    running_work_is_dropped,
    nmi_handler_runs_in_an_nmi,
    nmi_handlers_have_their_own_data,
    nmi_handler_is_unregistered,
    nmi_of_the_machine,
    nmi_hands_over_by_irq_work,
    nmi_handler_in_a_static_is_left_at_exit,
}

struct Shared {
    seen: Seen,
    allocated: AtomicU32,
    dropped: Seen,
    hold: AtomicBool,
}

struct Work(Arc<Shared>);

impl Work {
    fn new(task: &TaskCx) -> Result<(Arc<Shared>, Self)> {
        let shared = Arc::new_with(
            task,
            Shared {
                seen: Seen::new(),
                allocated: AtomicU32::new(0),
                dropped: Seen::new(),
                hold: AtomicBool::new(false),
            },
        )?;
        Ok((shared.clone(), Self(shared)))
    }

    fn ran(&self) {
        self.0.seen.here();
        let mut patience = 5_000_000;
        while self.0.hold.load(Relaxed) && patience > 0 {
            core::hint::spin_loop();
            patience -= 1;
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.dropped.here();
    }
}

impl Run for Work {
    fn run(&self, cx: &mut IrqCx<'_>) {
        if KBox::new(&cx, [1u8; 200]).is_ok() {
            self.0.allocated.fetch_add(1, Relaxed);
        }
        self.ran();
    }
}

impl Run<Hard> for Work {
    fn run(&self, _cx: &mut RawCx<'_>) {
        #[cfg(not(CONFIG_PREEMPT_RT))]
        {
            testlib::not_for_rt();
            if KBox::new(&_cx, [1u8; 200]).is_ok() {
                self.0.allocated.fetch_add(1, Relaxed);
            }
        }
        self.ran();
    }
}

fn work<K: Kind>(task: &TaskCx) -> Result<(Arc<Shared>, IrqWork<Work, K>)>
where
    Work: Run<K>,
{
    let (shared, data) = Work::new(task)?;
    Ok((shared, IrqWork::new(task, data)?))
}

fn hardirq(place: Place) -> Outcome {
    check!(place.is(Place::HARDIRQ | Place::IRQS_OFF));
    check!(!place.is(Place::PREEMPTIBLE) && !place.is(Place::NMI));
    Ok(())
}

fn work_runs_in_an_interrupt(task: &mut TaskCx) -> Outcome {
    let (shared, work) = work::<Threadable>(task)?;
    check!(work.queue());
    work.sync(task);
    check_eq!(shared.seen.times(), 1);
    check_eq!(shared.allocated.load(Relaxed), 1);
    let place = shared.seen.place();
    if cfg!(CONFIG_PREEMPT_RT) {
        check!(place.is(Place::PREEMPTIBLE));
        check!(!place.is(Place::HARDIRQ) && !place.is(Place::IRQS_OFF));
        Ok(())
    } else {
        hardirq(place)
    }
}

fn hard_work_runs_in_a_hard_interrupt(task: &mut TaskCx) -> Outcome {
    let (shared, work) = work::<Hard>(task)?;
    check!(work.queue());
    work.sync(task);
    check_eq!(shared.seen.times(), 1);
    check_eq!(
        shared.allocated.load(Relaxed),
        u32::from(!cfg!(CONFIG_PREEMPT_RT))
    );
    hardirq(shared.seen.place())
}

fn queued_work_runs_once(task: &mut TaskCx) -> Outcome {
    let (shared, work) = work::<Hard>(task)?;
    // The interrupt has to wait.
    let (first, second) = task.irqs_off(|_| (work.queue(), work.queue()));
    work.sync(task);
    check!(first && !second);
    check_eq!(shared.seen.times(), 1);
    check!(work.queue());
    work.free(task);
    check_eq!(shared.seen.times(), 2);
    check_eq!(shared.dropped.times(), 1);
    Ok(())
}

fn work_is_queued_in_every_context(task: &mut TaskCx) -> Outcome {
    let (shared, work) = work::<Threadable>(task)?;
    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    let mut times = 0;
    let mut ran = |task: &TaskCx, queued: bool| -> Outcome {
        check!(queued);
        work.sync(task);
        times += 1;
        check_eq!(shared.seen.times(), times);
        Ok(())
    };
    let queued = task.locked(&lock, |_, _| work.queue());
    ran(task, queued)?;
    let queued = task.irqs_off(|_| work.queue());
    ran(task, queued)?;
    let mut queued = false;
    testlib::in_softirq(|_| queued = work.queue())?;
    ran(task, queued)?;
    testlib::in_hardirq(|_| queued = work.queue())?;
    ran(task, queued)?;
    if testlib::in_nmi_if_any(|_| queued = work.queue())? {
        ran(task, queued)?;
    }
    Ok(())
}

/// How many CPUs run it now, and how often it has begun.
struct Slow(Arc<[AtomicU32; 2]>);

impl Run<Hard> for Slow {
    fn run(&self, _cx: &mut RawCx<'_>) {
        let [running, begun] = &*self.0;
        running.fetch_add(1, Relaxed);
        // The second one takes longer.
        let first = begun.fetch_add(1, Relaxed) == 0;
        testlib::udelay(if first { 3000 } else { 9000 });
        running.fetch_sub(1, Relaxed);
    }
}

/// The kernel's own wait ends when the first of two CPUs is through.
fn sync_waits_for_both_of_two_cpus(task: &mut TaskCx) -> Outcome {
    for _ in 0..20 {
        let counts = Arc::new_with(&task, [const { AtomicU32::new(0) }; 2])?;
        let [running, begun] = &*counts;
        let work: IrqWork<_, Hard> = IrqWork::new(&task, Slow(counts.clone()))?;
        let (mut left, over) = (0, AtomicBool::new(false));
        testlib::on_another_cpu(
            |_| {
                while begun.load(Relaxed) == 0 {
                    testlib::cond_resched();
                }
                work.queue();
                over.store(true, Relaxed);
            },
            || {
                work.queue();
                // On a busy machine the other CPU may be late.
                while begun.load(Relaxed) < 2 && !over.load(Relaxed) {
                    testlib::cond_resched();
                }
                work.sync(task);
                left = running.load(Relaxed);
            },
        )?;
        check_eq!(left, 0);
    }
    Ok(())
}

fn dropped_work_has_run(task: &mut TaskCx) -> Outcome {
    let (shared, work) = work::<Threadable>(task)?;
    task.irqs_off(|_| {
        work.queue();
        drop(work);
    });
    check!(wait_until(task, || shared.dropped.times() == 1));
    check_eq!(shared.seen.times(), 1);
    Ok(())
}

fn work_is_dropped_in_every_context(task: &mut TaskCx) -> Outcome {
    for place in 0..testlib::DROP_PLACES {
        let (shared, work) = work::<Hard>(task)?;
        work.queue();
        testlib::drop_in(task, place, work)?;
        check!(wait_until(task, || shared.dropped.times() == 1));
        check!(shared.dropped.place().is(Place::PREEMPTIBLE));
        check_eq!(shared.seen.times(), 1);
    }
    Ok(())
}

fn running_work_is_dropped(task: &mut TaskCx) -> Outcome {
    let (shared, work) = work::<Hard>(task)?;
    shared.hold.store(true, Relaxed);
    let mut work = Some(work);
    let mut held = true;
    testlib::on_another_cpu(
        |_| {
            if let Some(work) = &work {
                work.queue();
            }
        },
        || {
            while shared.seen.times() == 0 {
                core::hint::spin_loop();
            }
            // It holds the other CPU.
            held = shared.dropped.times() == 0;
            fsleep(Delta::from_millis(5));
            shared.hold.store(false, Relaxed);
        },
    )?;
    drop(work.take());
    check!(held);
    check!(wait_until(task, || shared.dropped.times() == 1));
    Ok(())
}

#[cfg(CONFIG_X86)]
mod nmis {
    use super::*;
    use kalloc::{nmi, nmi_safe};
    use kernel::sync::SetOnce;
    use testlib::{c, Stop};

    nmi_safe! {
        /// What a handler counts.
        pub(super) struct Count {
            pub(super) seen: Seen,
            pub(super) wanted: AtomicU32,
            pub(super) pool: ObjPool<u32>,
            pub(super) work: IrqWork<Work>,
        }
    }

    impl nmi::Handler for Count {
        fn handle(&self, _cx: &mut NmiCx<'_>) -> bool {
            if let Some(mut object) = self.pool.pop() {
                *object += 1;
            }
            self.seen.here();
            self.work.queue();
            self.wanted.load(Relaxed) > 0
        }
    }

    pub(super) fn register(
        task: &TaskCx,
        nmis: nmi::Type,
    ) -> Result<(Arc<Shared>, nmi::Registration<Count>)> {
        let (shared, work) = Work::new(task)?;
        let count = Count {
            seen: Seen::new(),
            wanted: AtomicU32::new(1),
            pool: ObjPool::new(task, 2, |_| 0)?,
            work: IrqWork::new(task, work)?,
        };
        Ok((shared, nmi::Registration::new(task, nmis, count)?))
    }

    nmi_safe! {
        /// Counts in a static, where it is itself.
        pub(super) struct Left {}
    }

    pub(super) static LEFT: AtomicU32 = AtomicU32::new(0);
    pub(super) static LEFT_NMI: SetOnce<nmi::Registration<Left>> = SetOnce::new();

    impl nmi::Handler for Left {
        fn handle(&self, _cx: &mut NmiCx<'_>) -> bool {
            LEFT.fetch_add(1, Relaxed);
            true
        }
    }

    /// Sends one to this CPU and waits until a handler has seen it.
    pub(super) fn send(task: &TaskCx, seen: &Seen) -> Outcome {
        let before = seen.times();
        // SAFETY: It has no preconditions.
        if unsafe { c::testlib_send_nmi() } != 0 {
            return Err(Stop::Skip("no NMI here"));
        }
        check!(wait_until(task, || seen.times() > before));
        Ok(())
    }
}

#[cfg(CONFIG_X86)]
fn nmi_handler_runs_in_an_nmi(task: &mut TaskCx) -> Outcome {
    let (_, nmi) = nmis::register(task, kalloc::nmi::Type::Local)?;
    let count = nmi.data();
    nmis::send(task, &count.seen)?;
    let place = count.seen.place();
    check!(place.is(Place::NMI | Place::IRQS_OFF) && !place.is(Place::PREEMPTIBLE));
    // The object that the handler had is back.
    let objects: [_; 2] = core::array::from_fn(|_| count.pool.pop());
    check!(objects.iter().flatten().map(|object| **object).sum::<u32>() >= 1);
    check!(objects.iter().all(Option::is_some));
    drop(objects);
    // At once: one that has been dropped may see more.
    nmi.free(task);
    Ok(())
}

#[cfg(CONFIG_X86)]
fn nmi_handlers_have_their_own_data(task: &mut TaskCx) -> Outcome {
    let (_, first) = nmis::register(task, kalloc::nmi::Type::Local)?;
    let (_, second) = nmis::register(task, kalloc::nmi::Type::Local)?;
    let (_, unknown) = nmis::register(task, kalloc::nmi::Type::Unknown)?;
    first.data().wanted.store(0, Relaxed);
    nmis::send(task, &second.data().seen)?;
    check!(first.data().seen.times() >= 1);
    // The second said that it was its own.
    check_eq!(unknown.data().seen.times(), 0);
    // Now nobody knows it.
    second.data().wanted.store(0, Relaxed);
    nmis::send(task, &unknown.data().seen)?;
    check!(second.data().seen.times() >= 2);
    // One may go and the other stays.
    first.free(task);
    nmis::send(task, &second.data().seen)?;
    second.free(task);
    unknown.free(task);
    Ok(())
}

#[cfg(CONFIG_X86)]
fn nmi_handler_is_unregistered(task: &mut TaskCx) -> Outcome {
    // More than once, of both types.
    for nmis in [kalloc::nmi::Type::Local, kalloc::nmi::Type::Unknown] {
        for _ in 0..3 {
            let (shared, nmi) = nmis::register(task, nmis)?;
            nmi.free(task);
            // With all that it had.
            check!(wait_until(task, || shared.dropped.times() == 1));
        }
        // By a drop where nothing may wait.
        let (shared, nmi) = nmis::register(task, nmis)?;
        task.irqs_off(|_| drop(nmi));
        check!(wait_until(task, || shared.dropped.times() == 1));
    }
    Ok(())
}

/// One that the machine injects, where there is somebody who lets it.
#[cfg(CONFIG_X86)]
fn nmi_of_the_machine(task: &mut TaskCx) -> Outcome {
    let (_, nmi) = nmis::register(task, kalloc::nmi::Type::Local)?;
    let seen = &nmi.data().seen;
    for _ in 0..2_000 {
        if seen.times() > 0 {
            check!(seen.place().is(Place::NMI) && !seen.place().is(Place::PREEMPTIBLE));
            nmi.free(task);
            return Ok(());
        }
        fsleep(Delta::from_millis(1));
    }
    Err(testlib::Stop::Skip("the machine injects no NMI"))
}

#[cfg(CONFIG_X86)]
fn nmi_hands_over_by_irq_work(task: &mut TaskCx) -> Outcome {
    let (shared, nmi) = nmis::register(task, kalloc::nmi::Type::Local)?;
    nmis::send(task, &nmi.data().seen)?;
    check!(wait_until(task, || shared.seen.times() > 0));
    check!(!shared.seen.place().is(Place::NMI));
    check!(shared.allocated.load(Relaxed) > 0);
    nmi.free(task);
    check!(wait_until(task, || shared.dropped.times() == 1));
    Ok(())
}

/// Nothing drops a static. It handles NMIs until the end of the module, which unregisters it.
#[cfg(CONFIG_X86)]
fn nmi_handler_in_a_static_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    let nmi = kalloc::nmi::Registration::new(task, kalloc::nmi::Type::Local, nmis::Left {})?;
    check!(nmis::LEFT_NMI.populate(nmi));
    testlib::must_stop(&nmis::LEFT);
    testlib::in_nmi(|_| ())?;
    check_eq!(nmis::LEFT.load(Relaxed), 1);
    Ok(())
}

#[cfg(not(CONFIG_X86))]
mod elsewhere {
    use super::*;

    macro_rules! skipped {
        ($($test:ident),*) => {$(
            pub(super) fn $test(_task: &mut TaskCx) -> Outcome {
                Err(testlib::Stop::Skip("drivers have no NMIs here"))
            }
        )*};
    }

    skipped! {
        nmi_handler_runs_in_an_nmi, nmi_handlers_have_their_own_data, nmi_handler_is_unregistered,
        nmi_of_the_machine, nmi_hands_over_by_irq_work, nmi_handler_in_a_static_is_left_at_exit
    }
}
#[cfg(not(CONFIG_X86))]
use elsewhere::*;
