// SPDX-License-Identifier: GPL-2.0

//! [`WaitExt`]: sleeping calls (mutexes, condition variables, completions, grace periods and
//! delays), on the token of a context that may sleep.
//!
//! C headers: [`include/linux/mutex.h`](srctree/include/linux/mutex.h),
//! [`include/linux/wait.h`](srctree/include/linux/wait.h),
//! [`include/linux/completion.h`](srctree/include/linux/completion.h),
//! [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h),
//! [`include/linux/delay.h`](srctree/include/linux/delay.h)

use crate::{
    contexts::traits::MaySleep,
    series, //
};
use kernel::{
    sync::{
        Completion,
        CondVar,
        CondVarTimeoutResult,
        Mutex,
        MutexGuard, //
    },
    time::{
        delay,
        Delta,
        Jiffies, //
    },
};

/// Sleeping, in every context that permits it: the kernel crate's calls, with a token.
///
/// # Context
///
/// All methods may sleep.
pub trait WaitExt: MaySleep {
    /// Runs `f` with `lock` held; wraps `mutex_lock()` and `mutex_unlock()`.
    ///
    /// The holder of a mutex may sleep, so `f` gets the outer token. The data is behind the kernel
    /// crate's guard, which [`WaitExt::wait`] takes:
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::sync::{CondVar, Mutex};
    ///
    /// fn next(task: &mut TaskCx, queue: &Mutex<KVec<u32>>, filled: &CondVar) -> u32 {
    ///     task.mutex_locked(queue, |queue, task| loop {
    ///         match queue.pop() {
    ///             Some(item) => break item,
    ///             None => task.wait(filled, queue),
    ///         }
    ///     })
    /// }
    /// ```
    #[doc(alias = "mutex_lock")]
    #[inline]
    fn mutex_locked<'l, T: ?Sized, R>(
        &mut self,
        lock: &'l Mutex<T>,
        f: impl FnOnce(&mut MutexGuard<'l, T>, &mut Self) -> R,
    ) -> R {
        f(&mut lock.lock(), self)
    }

    /// Takes `lock` until the kernel crate's guard is dropped; wraps `mutex_lock()`.
    ///
    /// The token permits as much as before. Leaking the guard only leaves the mutex held. Dropping
    /// the guard in a stricter section is legal, since `mutex_unlock()` does not sleep.
    #[inline]
    fn mutex_lock<'l, T: ?Sized>(&mut self, lock: &'l Mutex<T>) -> MutexGuard<'l, T> {
        lock.lock()
    }

    /// Releases the mutex, sleeps until `condvar` is notified, and takes the mutex again; wraps
    /// `prepare_to_wait_exclusive()`, `schedule()` and `finish_wait()`.
    ///
    /// Wakeups may be spurious: the caller checks its condition again.
    #[doc(alias = "prepare_to_wait_exclusive")]
    #[inline]
    fn wait<T: ?Sized>(&mut self, condvar: &CondVar, guard: &mut MutexGuard<'_, T>) {
        condvar.wait(guard)
    }

    /// As [`WaitExt::wait`], but a signal also ends the wait. Returns whether a signal is pending.
    #[inline]
    #[must_use = "true if a signal is pending"]
    fn wait_interruptible<T: ?Sized>(
        &mut self,
        condvar: &CondVar,
        guard: &mut MutexGuard<'_, T>,
    ) -> bool {
        condvar.wait_interruptible(guard)
    }

    /// As [`WaitExt::wait_interruptible`], for at most `timeout`.
    #[inline]
    #[must_use = "says whether it was woken, a signal came, or the time was over"]
    fn wait_interruptible_timeout<T: ?Sized>(
        &mut self,
        condvar: &CondVar,
        guard: &mut MutexGuard<'_, T>,
        timeout: Jiffies,
    ) -> CondVarTimeoutResult {
        condvar.wait_interruptible_timeout(guard, timeout)
    }

    /// Sleeps until `completion` is complete; wraps `wait_for_completion()`.
    #[inline]
    fn wait_for_completion(&mut self, completion: &Completion) {
        completion.wait_for_completion()
    }

    /// Sleeps until all RCU read-side sections that have begun before have ended; wraps
    /// `synchronize_rcu()`.
    ///
    /// A call on the read side would deadlock, and does not compile:
    ///
    /// ```compile_fail
    /// use kalloc::prelude::*;
    ///
    /// fn for_ever(task: &mut TaskCx) {
    ///     task.rcu_read(|_guard, cx| cx.synchronize_rcu())
    /// }
    /// ```
    #[inline]
    fn synchronize_rcu(&mut self) {
        series::synchronize_rcu()
    }

    /// Sleeps until all callbacks queued by `call_rcu()` so far have run; wraps `rcu_barrier()`.
    #[inline]
    fn rcu_barrier(&mut self) {
        series::rcu_barrier()
    }

    /// Gives up the CPU if another thread should run; wraps `cond_resched()`.
    #[inline(always)]
    fn cond_resched(&mut self) {
        // SAFETY: `Self` is `MaySleep`, so the context may sleep.
        unsafe { kalloc_bindings::kalloc_helper_cond_resched() }
    }

    /// Sleeps for at least `delta`; wraps `fsleep()`, which chooses between `udelay()`,
    /// `usleep_range()` and `msleep()`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::time::Delta;
    ///
    /// fn settle<C: MaySleep>(cx: &mut C) {
    ///     cx.fsleep(Delta::from_micros(200))
    /// }
    /// ```
    #[doc(alias("msleep", "usleep_range"))]
    #[inline]
    fn fsleep(&mut self, delta: Delta) {
        delay::fsleep(delta)
    }
}
impl<C: MaySleep> WaitExt for C {}
