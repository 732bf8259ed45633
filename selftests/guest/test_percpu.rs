// SPDX-License-Identifier: GPL-2.0

//! Per-CPU memory: a value on each CPU, this_cpu operations, sums, locks, and drops.

use core::{
    mem::align_of,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
};
use kalloc::{
    percpu::{self, field, new_local_lock, CpuLocal},
    prelude::*,
};
use kernel::{
    error::to_result,
    new_spinlock, //
};
use testlib::{
    check, check_eq, check_in_each_atomic_context, in_hardirq, in_nmi_if_any, Counted, DropOrder,
    Outcome,
};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_percpu":
    a_value_on_each_possible_cpu,
    zeroed_memory_is_zero,
    pinned_value_is_of_this_cpu,
    operations,
    operations_in_each_context,
    operations_under_nmis,
    fields_and_elements,
    sums_over_all_cpus,
    exclusive_access,
    local_lock,
    local_lock_in_each_context,
    local_lock_under_interrupts,
    local_lock_on_another_cpu,
    local_lock_is_tried,
    alignment_and_size,
    flags_that_reach_the_kernel,
    values_drop_once,
    dropped_in_the_order_of_cpus,
    drop_in_each_context,
    atomic_allocation,
    made_in_each_atomic_context,
    memory_is_used_again,
}

#[derive(Default)]
struct Stats {
    small: CpuLocal<u8>,
    packets: CpuLocal<u64>,
    by_size: [CpuLocal<u32>; 4],
    bytes: CpuLocal<i64>,
}

fn possible() -> usize {
    // SAFETY: It has no preconditions.
    unsafe { testlib::c::testlib_possible_cpus() as usize }
}

fn this_cpu() -> u32 {
    // SAFETY: It has no preconditions.
    unsafe { testlib::c::testlib_this_cpu() }
}

fn a_value_on_each_possible_cpu(task: &mut TaskCx) -> Outcome {
    let mut made = 0;
    let values = PerCpu::from_fn(&task, |cpu| {
        made += 1;
        (cpu, AtomicU32::new(cpu * 10))
    })?;
    check_eq!(made, possible());
    check_eq!(values.iter().count(), possible());
    for (cpu, (number, value)) in values.iter().enumerate() {
        check_eq!(*number, cpu as u32);
        check_eq!(value.load(Ordering::Relaxed), cpu as u32 * 10);
    }
    // Each has its own place.
    for (i, a) in values.iter().enumerate() {
        check!(values.iter().skip(i + 1).all(|b| !core::ptr::eq(a, b)));
    }
    Ok(())
}

fn zeroed_memory_is_zero(task: &mut TaskCx) -> Outcome {
    for _ in 0..32 {
        drop(PerCpu::from_fn(&task, |_| [0xa5u8; 512])?);
        let zeroes = PerCpu::<[u8; 512]>::zeroed(&task)?;
        check!(zeroes.iter().all(|zeroes| *zeroes == [0; 512]));
    }
    Ok(())
}

fn pinned_value_is_of_this_cpu(task: &mut TaskCx) -> Outcome {
    let numbers = PerCpu::from_fn(&task, |cpu| cpu)?;
    for _ in 0..100 {
        check!(numbers.pin(task, |number, _| *number == this_cpu()));
        section!(section = task, preempt_disable());
        check_eq!(*numbers.get(&section), this_cpu());
        let task = section.end();
        section!(section = task, local_irq_save());
        check_eq!(*numbers.get(&section), this_cpu());
    }
    // SAFETY: It has no preconditions.
    check!(numbers.pin(task, |_, _| !unsafe { testlib::c::testlib_preemptible() }));
    Ok(())
}

fn operations(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($int:ident)*) => {$({
            let counter = PerCpu::<CpuLocal<$int>>::zeroed(&task)?;
            section!(section = task, local_irq_save());
            let this = counter.this_cpu();
            let own = counter.get(&section);
            this.write(5);
            check_eq!(own.load(), 5);
            this.add(7);
            this.inc();
            check_eq!(this.read(), 13);
            this.dec();
            this.sub(2);
            check_eq!(own.load(), 10);
            check_eq!(this.add_return(20), 30);
            this.and(0x16);
            this.or(0x40);
            check_eq!(this.read(), 30 & 0x16 | 0x40);
            check_eq!(this.xchg(9), 30 & 0x16 | 0x40);
            check_eq!(this.cmpxchg(8, 1), 9);
            check_eq!(this.cmpxchg(9, 1), 9);
            check_eq!(this.read(), 1);
            this.write($int::MAX);
            this.inc();
            check_eq!(this.read(), $int::MIN);
            this.dec();
            check_eq!(own.load(), $int::MAX);
            this.write(0);
            // On no other CPU, and on no byte beside it.
            check_eq!(counter.iter().filter(|value| value.load() != 0).count(), 0);
        })*};
    }
    each!(u8 i8 u16 i16 u32 i32 u64 i64 usize isize);
    Ok(())
}

fn operations_in_each_context(task: &mut TaskCx) -> Outcome {
    let counter = PerCpu::<CpuLocal<u64>>::zeroed(&task)?;
    counter.this_cpu().inc();
    task.nofs(|_| counter.this_cpu().inc());
    task.rcu_read(|_, _| counter.this_cpu().inc());
    task.irqs_off(|_| counter.this_cpu().inc());
    task.preempt_off(|_| counter.this_cpu().inc());
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    task.locked(&lock, |_, _| counter.this_cpu().inc());
    check_eq!(counter.this_cpu().sum(), 6);
    in_hardirq(|_| counter.this_cpu().inc())?;
    check_eq!(counter.this_cpu().sum(), 7);
    let nmi = in_nmi_if_any(|_| counter.this_cpu().inc())?;
    check_eq!(counter.this_cpu().sum(), 7 + u64::from(nmi));
    Ok(())
}

/// An operation is one instruction: what an NMI adds in between is not lost.
fn operations_under_nmis(task: &mut TaskCx) -> Outcome {
    let counter = PerCpu::<CpuLocal<u64>>::zeroed(&task)?;
    let work = AtomicUsize::new(0);
    let nmis = AtomicUsize::new(0);
    testlib::nmi_storm(
        200,
        || {
            for _ in 0..100 {
                counter.this_cpu().inc();
            }
            work.fetch_add(100, Ordering::Relaxed);
        },
        |_| {
            counter.this_cpu().add(1);
            nmis.fetch_add(1, Ordering::Relaxed);
        },
    )?;
    check!(nmis.load(Ordering::Relaxed) != 0);
    let expected = work.load(Ordering::Relaxed) + nmis.load(Ordering::Relaxed);
    check_eq!(counter.this_cpu().sum(), expected as u64);
    Ok(())
}

fn fields_and_elements(task: &mut TaskCx) -> Outcome {
    let stats = PerCpu::from_fn(&task, |_| Stats::default())?;
    stats.at(field!(Stats, small)).add(255);
    stats.at(field!(Stats, packets)).add(1 << 40);
    for size in 0..4 {
        stats
            .at(field!(Stats, by_size))
            .index(size)
            .add(size as u32 + 1);
    }
    stats.at(field!(Stats, bytes)).sub(3);
    let mut sums = (0, 0, [0; 4], 0);
    for cpu in stats.iter() {
        sums.0 += cpu.small.load();
        sums.1 += cpu.packets.load();
        for (sum, size) in sums.2.iter_mut().zip(&cpu.by_size) {
            *sum += size.load();
        }
        sums.3 += cpu.bytes.load();
    }
    check_eq!(sums, (255, 1 << 40, [1, 2, 3, 4], -3));
    Ok(())
}

fn sums_over_all_cpus(task: &mut TaskCx) -> Outcome {
    let counter = PerCpu::from_fn(&task, |cpu| CpuLocal::new(u64::from(cpu) + 1))?;
    let all = possible() as u64;
    check_eq!(counter.this_cpu().sum(), all * (all + 1) / 2);
    counter.this_cpu().add(100);
    check_eq!(counter.this_cpu().sum(), 100 + all * (all + 1) / 2);
    let wraps = PerCpu::from_fn(&task, |_| CpuLocal::new(u64::MAX))?;
    check_eq!(wraps.this_cpu().sum(), 0u64.wrapping_sub(all));
    Ok(())
}

fn exclusive_access(task: &mut TaskCx) -> Outcome {
    let mut values = PerCpu::from_fn(&task, |_| CpuLocal::new(1u32))?;
    for value in values.iter_mut() {
        *value.get_mut() += 4;
    }
    check_eq!(values.this_cpu().sum() as usize, 5 * possible());
    Ok(())
}

fn local_lock(task: &mut TaskCx) -> Outcome {
    let mut locked = PerCpu::locked(&task, new_local_lock!(|cpu| (cpu, [0u64; 4])))?;
    for round in 0..100 {
        let same = locked.with(task, |(cpu, words), _cx| {
            words.iter_mut().for_each(|word| *word += round);
            cfg!(CONFIG_PREEMPT_RT) || *cpu == this_cpu()
        });
        check!(same);
    }
    let sum: u64 = locked.iter_mut().map(|local| local.get_mut().1[3]).sum();
    check_eq!(sum, 4950);
    // With the lock of another one held.
    let other = PerCpu::locked(&task, new_local_lock!(|_| 1u32))?;
    let both = locked.with(task, |a, cx| other.with(cx, |b, _| a.1[0] * u64::from(*b)));
    check!(both <= 4950);
    Ok(())
}

fn local_lock_in_each_context(task: &mut TaskCx) -> Outcome {
    let mut locked = PerCpu::locked(&task, new_local_lock!(|_| 0u32))?;
    locked.with(task, |value, _| *value += 1);
    task.nofs(|cx| locked.with(cx, |value, _| *value += 1));
    task.rcu_read(|_, cx| locked.with(cx, |value, _| *value += 1));
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    task.locked(&lock, |_, cx| locked.with(cx, |value, _| *value += 1));
    // An allocation with the lock held.
    check!(locked.with(task, |_, cx| KBox::new(&cx, 1u32).is_ok()));
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        task.irqs_off(|cx| locked.with(cx, |value, _| *value += 1));
        in_hardirq(|cx| locked.with(cx, |value, _| *value += 1))?;
        // SAFETY: It has no preconditions.
        check!(locked.with(task, |_, _| unsafe { testlib::c::testlib_irqs_disabled() }));
    }
    let sum: u32 = locked.iter_mut().map(|local| *local.get_mut()).sum();
    check_eq!(sum, if cfg!(CONFIG_PREEMPT_RT) { 4 } else { 6 });
    Ok(())
}

/// An interrupt that takes the lock too does not come in between.
fn local_lock_under_interrupts(task: &mut TaskCx) -> Outcome {
    if cfg!(CONFIG_PREEMPT_RT) {
        return Err(testlib::Stop::Skip("the lock is not for hard interrupts"));
    }
    let mut locked = PerCpu::locked(&task, new_local_lock!(|_| (0u64, 0u64)))?;
    let nested = AtomicUsize::new(0);
    for _ in 0..100 {
        locked.with(task, |(a, b), _| {
            *a += 1;
            let before = *b;
            // Pending until the lock is released.
            // SAFETY: It has no preconditions.
            let irqs_off = unsafe { testlib::c::testlib_irqs_disabled() };
            nested.fetch_add(usize::from(irqs_off), Ordering::Relaxed);
            *b = before + 1;
        });
        #[cfg(not(CONFIG_PREEMPT_RT))]
        in_hardirq(|cx| {
            locked.with(cx, |(a, b), _| {
                *a += 1;
                *b += 1;
            })
        })?;
    }
    check_eq!(nested.load(Ordering::Relaxed), 100);
    let sums = locked.iter_mut().fold((0, 0), |sums, local| {
        let (a, b) = *local.get_mut();
        (sums.0 + a, sums.1 + b)
    });
    check_eq!(sums, (200, 200));
    Ok(())
}

/// Goes on on that CPU.
fn migrate_to(cpu: u32) -> Outcome {
    // SAFETY: It may be called where the code may sleep, which it may here.
    Ok(to_result(unsafe { testlib::c::testlib_migrate_to(cpu) })?)
}

/// A closure that enables interrupts, and then goes on on another CPU, has the lock that it took, and
/// gives that one back.
fn local_lock_on_another_cpu(task: &mut TaskCx) -> Outcome {
    if cfg!(CONFIG_PREEMPT_RT) {
        return Err(testlib::Stop::Skip("who holds the lock does not migrate"));
    }
    let disable = testlib::series::LOCAL_INTERRUPT_DISABLE
        .ok_or(testlib::Stop::Skip("the kernel crate has no such guard"))?;
    let locked = PerCpu::locked(&task, new_local_lock!(|cpu| cpu))?;
    let taken = |cx: &mut IrqCx<'_>| locked.try_with(cx, |_, _| ()).is_none();
    migrate_to(0)?;
    let mut off = Some(disable());
    let moved = locked.with(task, |of_0, cx| {
        off = None;
        if cfg!(CONFIG_DEBUG_ATOMIC_SLEEP) {
            // SAFETY: It has no preconditions.
            check!(!unsafe { testlib::c::testlib_preemptible() });
            check!(taken(cx));
            off = Some(disable());
            return Ok(());
        }
        migrate_to(1)?;
        off = Some(disable());
        let back = locked.try_with(cx, |of_1, cx| {
            check_eq!((*of_0, *of_1), (0, 1));
            off = None;
            migrate_to(0)?;
            check!(taken(cx));
            off = Some(disable());
            Ok(())
        });
        off = None;
        check!(back.is_some_and(|back| back.is_ok()));
        // That was the lock of the other CPU: this one is still held.
        check!(taken(cx));
        migrate_to(1)?;
        check!(!taken(cx));
        off = Some(disable());
        Ok(())
    });
    drop(off);
    moved?;
    for cpu in 0..2 {
        migrate_to(cpu)?;
        check_eq!(locked.try_with(task, |value, _| *value), Some(cpu));
    }
    Ok(())
}

/// Where the lock is taken there is nothing, and all is as it was.
fn local_lock_is_tried(task: &mut TaskCx) -> Outcome {
    let locked = PerCpu::locked(&task, new_local_lock!(|_| 1u32))?;
    check_eq!(locked.try_with(task, |value, _| *value), Some(1));
    let nested = locked.with(task, |_, cx| locked.try_with(cx, |_, _| ()));
    check_eq!(nested, None);
    // SAFETY: It has no preconditions.
    check!(unsafe { testlib::c::testlib_preemptible() });
    check_eq!(locked.with(task, |value, _| *value), 1);
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        let mut seen = None;
        in_hardirq(|cx| seen = locked.try_with(cx, |value, _| *value))?;
        check_eq!(seen, Some(1));
    }
    Ok(())
}

fn alignment_and_size(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($align:literal)*) => {$({
            #[repr(align($align))]
            struct Aligned(#[allow(dead_code)] [u8; $align / 2 + 1]);
            let values = PerCpu::from_fn(&task, |_| Aligned([1; $align / 2 + 1]))?;
            let aligned = |value: &Aligned| (&raw const *value).addr() % align_of::<Aligned>() == 0;
            check!(values.iter().all(aligned));
        })*};
    }
    each!(1 2 8 16 64 256 1024 4096);
    let largest = PerCpu::<[u8; percpu::MAX_SIZE]>::zeroed(&task)?;
    check!(largest
        .iter()
        .all(|values| values.iter().all(|&value| value == 0)));
    Ok(())
}

fn flags_that_reach_the_kernel(task: &mut TaskCx) -> Outcome {
    use testlib::percpu_traced;
    let bits = |expression| {
        let mut bits = 0;
        // SAFETY: The string is valid, and so is the place for the result.
        unsafe { testlib::c::testlib_gfp(CStr::as_char_ptr(expression), &mut bits) }.then_some(bits)
    };
    let (made, gfp) = percpu_traced(|| PerCpu::<[u32; 5]>::zeroed(&task));
    check_eq!(Some(gfp.0), bits(c"GFP_KERNEL"));
    // On PREEMPT_RT what is dropped may have to wait in a list, which takes a pointer.
    let align = if cfg!(CONFIG_PREEMPT_RT) { 8 } else { 4 };
    check_eq!((gfp.1, gfp.2), (20, align));
    drop(made?);
    let (made, gfp) = percpu_traced(|| PerCpu::<u64>::zeroed(task.with(GFP_NOFS)));
    check_eq!(Some(gfp.0), bits(c"GFP_NOFS"));
    drop(made?);
    let (made, gfp) = percpu_traced(|| PerCpu::<u64>::zeroed(task.with(GFP_KERNEL.noretry())));
    check_eq!(Some(gfp.0), bits(c"GFP_KERNEL | __GFP_NORETRY"));
    drop(made?);
    let (made, gfp) = percpu_traced(|| PerCpu::<u64>::zeroed(task.with(GFP_ATOMIC)));
    check_eq!(Some(gfp.0), bits(c"GFP_ATOMIC"));
    drop(made?);
    Ok(())
}

fn values_drop_once(task: &mut TaskCx) -> Outcome {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    drop(PerCpu::from_fn(&task, |_| Counted(&DROPS))?);
    check_eq!(DROPS.load(Ordering::Relaxed), possible());
    drop(PerCpu::locked(&task, new_local_lock!(|_| Counted(&DROPS)))?);
    check_eq!(DROPS.load(Ordering::Relaxed), 2 * possible());
    Ok(())
}

fn dropped_in_the_order_of_cpus(task: &mut TaskCx) -> Outcome {
    let order = DropOrder::new();
    let digit = |cpu| cpu as usize % 15 + 1;
    let made = PerCpu::from_fn(&task, |cpu| (cpu, order.digit(digit(cpu))))?;
    let expected = |made: &PerCpu<(u32, _)>| {
        made.iter()
            .fold(0, |digits, (cpu, _)| digits << 4 | digit(*cpu) as u64)
    };
    let digits = expected(&made);
    check!(digits & 0xf != 0);
    drop(made);
    check_eq!(order.take(), digits);
    Ok(())
}

fn drop_in_each_context(task: &mut TaskCx) -> Outcome {
    let make = |task: &TaskCx| PerCpu::<[u64; 16]>::zeroed(task).ok();
    let mut made = make(task);
    check!(made.is_some());
    task.nofs(|_| drop(made.take()));
    made = make(task);
    task.rcu_read(|_, _| drop(made.take()));
    made = make(task);
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    task.locked(&lock, |_, _| drop(made.take()));
    #[cfg(not(CONFIG_PREEMPT_RT))]
    {
        made = make(task);
        task.irqs_off(|_| drop(made.take()));
        made = make(task);
        task.preempt_off(|_| drop(made.take()));
        made = make(task);
        in_hardirq(|_| drop(made.take()))?;
    }
    check!(made.is_none());
    Ok(())
}

fn atomic_allocation(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&*task, new_spinlock!(0u32))?;
    let made = task.locked(&lock, |_, cx| {
        PerCpu::<u64>::zeroed(cx.with(GFP_NOWAIT.nowarn())).is_ok()
    });
    check!(made);
    // Until the memory that is there is used up: an error, and no sleep.
    let mut kept = KBox::from_fn(&task, 4096, |_| None)?;
    let failed = task.locked(&lock, |_, cx| {
        for kept in kept.iter_mut() {
            match PerCpu::<[u8; percpu::MAX_SIZE]>::zeroed(cx.with(GFP_NOWAIT.nowarn())) {
                Ok(made) => *kept = Some(made),
                Err(_) => return true,
            }
        }
        false
    });
    check!(failed);
    Ok(())
}

/// The memory is asked for there, and with the flags of there.
fn made_in_each_atomic_context(task: &mut TaskCx) -> Outcome {
    check_in_each_atomic_context!(task, |cx| {
        let (made, (gfp, size, _)) = testlib::percpu_traced(|| PerCpu::<u64>::zeroed(&cx));
        made.is_ok_and(|made| made.iter().all(|&value| value == 0))
            && (gfp, size) == (GfpAtomic::BITS, 8)
    });
    check_in_each_atomic_context!(task, |cx| PerCpu::locked(
        cx.with(GFP_NOWAIT),
        new_local_lock!(|cpu| cpu)
    )
    .is_ok_and(|mut made| made
        .iter_mut()
        .zip(0..)
        .all(|(value, cpu)| *value.get_mut() == cpu)));
    Ok(())
}

fn memory_is_used_again(task: &mut TaskCx) -> Outcome {
    let before = testlib::free_pages();
    // At least 64 MiB go through.
    for _ in 0..2000 {
        drop(PerCpu::<[u8; percpu::MAX_SIZE]>::zeroed(
            task.with(GFP_KERNEL.nowarn()),
        )?);
    }
    check!(testlib::free_pages() + 8000 > before);
    Ok(())
}
