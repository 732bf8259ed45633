// SPDX-License-Identifier: GPL-2.0

//! What each flag does when there is no memory left at all. For a small guest that nobody else
//! needs: host/pressure.sh.

use core::{
    mem::MaybeUninit,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};
use kalloc::{mempool::*, page, prelude::*};
use kernel::{
    new_spinlock,
    page::PAGE_SIZE,
    time::{delay::fsleep, Delta},
};
use testlib::{c, check, check_eq, on_another_cpu, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "pressure":
    noretry_is_an_error,
    retry_mayfail_is_an_error,
    nowait_does_not_sleep,
    atomic_has_a_reserve_and_does_not_sleep,
    no_flags_at_all_are_an_error,
    large_memory_is_an_error,
    mempool_makes_progress,
    nofail_waits_for_memory,
}

type Piece = Pages<Order<0>, MaybeUninit<u8>>;

/// Memory that is taken until there is none.
struct Hoard(VVec<Piece>);

impl Hoard {
    /// With room for every page of the machine, since later there is none to grow.
    fn new(task: &TaskCx) -> Result<Self> {
        // SAFETY: It has no preconditions.
        let pages = unsafe { c::testlib_totalram_pages() };
        Ok(Self(VVec::with_capacity(task, pages as usize)?))
    }

    /// Takes pages until there is an error, and returns how many it took.
    fn fill<G: Grant<Flags: ForPages<Kind = page::Low>>>(&mut self, grant: G) -> usize {
        let before = self.0.len();
        while let Ok(piece) = Pages::new_uninit(grant, Order::<0>) {
            if self.0.push_within_capacity(piece).is_err() {
                break;
            }
        }
        self.0.len() - before
    }

    /// All that there is but what `GFP_ATOMIC` may have.
    fn to_the_brim(task: &TaskCx) -> Result<Self> {
        let mut hoard = Self::new(task)?;
        hoard.fill(task.with(GFP_KERNEL.retry_mayfail().nowarn()));
        Ok(hoard)
    }

    /// All that anybody may have.
    fn to_the_bottom(task: &mut TaskCx) -> Result<Self> {
        let mut hoard = Self::to_the_brim(task)?;
        hoard.fill(task.with(GFP_ATOMIC.nowarn()));
        Ok(hoard)
    }
}

/// How often this thread has gone to sleep.
fn sleeps() -> usize {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_voluntary_switches() as usize }
}

/// One round of reclaim, and an error. That nobody was killed is for the script to see.
fn noretry_is_an_error(task: &mut TaskCx) -> Outcome {
    let mut hoard = Hoard::new(task)?;
    check!(hoard.fill(task.with(GFP_KERNEL.noretry().nowarn())) > 1000);
    // At its end it is at the end of what it may have.
    check!(hoard.fill(task.with(GFP_NOWAIT.nowarn())) < 1000);
    Ok(())
}

fn retry_mayfail_is_an_error(task: &mut TaskCx) -> Outcome {
    let mut hoard = Hoard::new(task)?;
    hoard.fill(task.with(GFP_KERNEL.noretry().nowarn()));
    hoard.fill(task.with(GFP_KERNEL.retry_mayfail().nowarn()));
    // In every context that sleeps.
    task.nofs(|cx| hoard.fill(cx.with(GFP_NOFS.retry_mayfail().nowarn())));
    task.noio(|cx| hoard.fill(cx.with(GFP_NOIO.retry_mayfail().nowarn())));
    // What failed was no more than the moment.
    drop(hoard);
    check!(Pages::new_uninit(task.with(GFP_KERNEL.retry_mayfail()), Order::<3>).is_ok());
    Ok(())
}

fn nowait_does_not_sleep(task: &mut TaskCx) -> Outcome {
    let mut hoard = Hoard::new(task)?;
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    // With plenty, and then with nothing.
    check!(task.locked(&lock, |(), cx| Pages::new_uninit(
        cx.with(GFP_NOWAIT),
        Order::<0>
    )
    .is_ok()));
    let before = sleeps();
    check!(hoard.fill(task.with(GFP_NOWAIT.nowarn())) > 1000);
    check_eq!(sleeps(), before);
    hoard.fill(task.with(GFP_KERNEL.retry_mayfail().nowarn()));
    let before = sleeps();
    for _ in 0..100 {
        task.locked(&lock, |(), cx| hoard.fill(cx.with(GFP_NOWAIT.nowarn())));
        hoard.fill(task.with(GFP_NOWAIT.nowarn()));
    }
    check_eq!(sleeps(), before);
    Ok(())
}

fn atomic_has_a_reserve_and_does_not_sleep(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    let mut kept = KBox::from_fn(&task, 512, |_| None)?;
    let mut attempts = 3;
    let (mut hoard, before) = loop {
        let mut hoard = Hoard::to_the_brim(task)?;
        let before = sleeps();
        task.locked(&lock, |(), cx| hoard.fill(cx.with(GFP_NOWAIT.nowarn())));
        // Where GFP_NOWAIT has nothing.
        let reserve = task.locked(&lock, |(), cx| hoard.fill(cx.with(GFP_ATOMIC.nowarn())));
        pr_info!("# GFP_ATOMIC had {} pages more\n", reserve);
        if reserve > 10 {
            break (hoard, before);
        }
        // Somebody else may have had it, on a busy machine.
        attempts -= 1;
        check!(attempts > 0);
    };
    check!(hoard.fill(task.with(GFP_ATOMIC.nowarn())) < 1000);
    check_eq!(sleeps(), before);
    // Until what slabs have left is gone too, and then the value comes back.
    let failed = task.locked(&lock, |(), cx| {
        kept.iter_mut().find_map(|kept| {
            hoard.fill(cx.with(GFP_ATOMIC.nowarn()));
            match KBox::new(cx.with(GFP_ATOMIC.nowarn()), [7u8; 2048]) {
                Ok(memory) => {
                    *kept = Some(memory);
                    None
                }
                Err(failed) => Some(failed.value[2047]),
            }
        })
    });
    check_eq!(failed, Some(7));
    Ok(())
}

fn no_flags_at_all_are_an_error(task: &mut TaskCx) -> Outcome {
    let mut hoard = Hoard::to_the_brim(task)?;
    let before = sleeps();
    hoard.fill(task.with(GFP_NORECLAIM.nowarn()));
    check!(hoard.fill(task.with(GFP_NORECLAIM.nowarn())) < 1000);
    check_eq!(sleeps(), before);
    Ok(())
}

fn large_memory_is_an_error(task: &mut TaskCx) -> Outcome {
    let _hoard = Hoard::to_the_brim(task)?;
    const SIZE: usize = 4 << 20;
    check!(
        VBox::<[u8]>::zeroed_slice(task.with(GFP_KERNEL.retry_mayfail().nowarn()), SIZE).is_err()
    );
    check!(
        KVBox::<[u8]>::zeroed_slice(task.with(GFP_KERNEL.retry_mayfail().nowarn()), SIZE).is_err()
    );
    check!(FreePages::zeroed(task.with(GFP_KERNEL.retry_mayfail().nowarn()), Order::<3>).is_err());
    let mut list = KVec::new();
    let pushed = (0..1 << 20).take_while(|&i| list.push(task.with(GFP_NOWAIT.nowarn()), i).is_ok());
    let pushed = pushed.count();
    check!(pushed < 1 << 20 && list.len() == pushed);
    check!(list.iter().copied().eq(0..pushed));
    Ok(())
}

/// The reserve is there when nothing else is, and what goes back to it can be had again.
fn mempool_makes_progress(task: &mut TaskCx) -> Outcome {
    const RESERVE: usize = 4;
    let pool = Mempool::<[u8; PAGE_SIZE], PageBacked>::pages(&task, RESERVE)?;
    let lock = KBox::pin_init(&task, new_spinlock!(()))?;
    let mut hoard = Hoard::to_the_bottom(task)?;
    for round in 0..100 {
        hoard.fill(task.with(GFP_ATOMIC.nowarn()));
        // No error to handle. Each one leaves when the next begins.
        let mut elements = [const { None }; RESERVE];
        for element in &mut elements {
            *element = Some(MempoolBox::new_uninit(&task, &pool).write([round; PAGE_SIZE]));
        }
        check!(elements.iter().flatten().all(|element| element[0] == round));
        drop(elements);
        hoard.fill(task.with(GFP_ATOMIC.nowarn()));
        let there = task.locked(&lock, |(), cx| {
            MempoolBox::try_new_uninit(cx.with(GFP_ATOMIC.nowarn()), &pool).is_ok()
        });
        check!(there);
    }
    check_eq!(pool.curr_nr(), RESERVE);
    check!(Pages::new_uninit(task.with(GFP_NOWAIT.nowarn()), Order::<0>).is_err());
    Ok(())
}

/// Another thread wants more than reclaim finds. Without `__GFP_FS`, since with it the kernel looks
/// for a process to kill.
fn nofail_waits_for_memory(task: &mut TaskCx) -> Outcome {
    const WANTED: usize = 4096;
    let (go, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut hoard = Some(Hoard::new(task)?);
    let mut places = VVec::with_capacity(&task, WANTED)?;
    let (mut at_first, mut waiting) = (0, 0);
    on_another_cpu(
        |task| {
            while !go.load(Ordering::Acquire) {
                fsleep(Delta::from_millis(1));
            }
            for _ in 0..WANTED {
                let Ok(page) = Pages::new_uninit(task.with(GFP_NOFS.nofail()), Order::<0>);
                if places.push_within_capacity(page).is_ok() {
                    taken.fetch_add(1, Ordering::Release);
                }
            }
        },
        || {
            if let Some(hoard) = &mut hoard {
                hoard.fill(task.with(GFP_KERNEL.retry_mayfail().nowarn()));
                hoard.fill(task.with(GFP_ATOMIC.nowarn()));
                go.store(true, Ordering::Release);
                for _ in 0..200 {
                    fsleep(Delta::from_millis(1));
                }
                at_first = taken.load(Ordering::Acquire);
                for _ in 0..200 {
                    fsleep(Delta::from_millis(1));
                }
            }
            waiting = taken.load(Ordering::Acquire);
            drop(hoard.take());
        },
    )?;
    pr_info!(
        "# found {} pages, then {}, then waited\n",
        at_first,
        waiting
    );
    check!(waiting < WANTED && waiting - at_first < WANTED / 8);
    check_eq!(taken.load(Ordering::Acquire), WANTED);
    Ok(())
}
