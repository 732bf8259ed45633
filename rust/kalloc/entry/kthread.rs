// SPDX-License-Identifier: GPL-2.0

//! Threads of the kernel.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)
//!
//! A thread runs a closure, which gets a [`TaskCx`] of its own and a [`This`] by which it learns that
//! it should stop.
//!
//! ```
//! use kalloc::{kthread::{self, kthread_run, Kthread}, prelude::*};
//!
//! fn count(task: &TaskCx) -> Result<Kthread<u32>> {
//!     kthread_run!(task, c"counter", |task: &mut TaskCx, this: &kthread::This| {
//!         let mut seconds = 0;
//!         while !this.should_stop() {
//!             this.sleep(&mut task, kernel::time::msecs_to_jiffies(1000));
//!             seconds += 1;
//!         }
//!         seconds
//!     })
//! }
//!
//! fn stop(task: &TaskCx, counter: Kthread<u32>) -> Result<u32> {
//!     counter.stop(task)
//! }
//! ```
//!
//! # Dropping
//!
//! Dropping a [`Kthread`] tells the thread to stop and does not wait for it: it takes no token and
//! does not sleep. The thread's result is dropped, and its memory freed, by the last of the two: so
//! on `CONFIG_PREEMPT_RT` a handle is not to be dropped with interrupts or preemption
//! disabled. The end of the module waits for its threads, and wakes those that sleep by
//! [`This::sleep`]: see [`in_flight`](crate::in_flight).

use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::{
        tokens::TaskCx,
        traits::{
            MayReclaim,
            MaySleep, //
        },
    },
    entry::in_flight::{
        Begun,
        InFlight, //
    },
    memory::{
        boxed::KBox,
        interop::ArcExt, //
    },
};
use core::{
    cell::UnsafeCell,
    fmt,
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    error::{
        code::{
            EBUSY,
            EINTR,
            EIO,
            ENOMEM, //
        },
        from_err_ptr,
        Result, //
    },
    ffi::{
        c_int,
        c_void, //
    },
    str::{
        CStr,
        CStrExt as _, //
    },
    sync::Arc,
    time::Jiffies,
    types::NotThreadSafe, //
};

/// The thread that runs: only its own code has it.
#[derive(Debug)]
pub struct This<'a> {
    abandoned: &'a AtomicBool,
    in_flight: &'a InFlight,
    _thread: NotThreadSafe,
}

impl This<'_> {
    /// Whether the thread should come to its end, wraps `kthread_should_stop()`.
    pub fn should_stop(&self) -> bool {
        let unwanted = self.abandoned.load(Ordering::Acquire) || self.in_flight.is_closed();
        // SAFETY: This is a thread that `kthread_create()` made.
        unwanted || unsafe { bindings::kthread_should_stop() }
    }

    /// Sleeps until the time is over or the thread should stop, without load on the machine. Wraps
    /// `schedule_timeout()`.
    pub fn sleep<C: MaySleep>(&self, _cx: &C, timeout: Jiffies) {
        /// # Safety
        ///
        /// `this` is a [`This`] of the thread that runs.
        unsafe extern "C" fn over(this: *const c_void) -> bool {
            // SAFETY: By the contract of this function.
            unsafe { &*this.cast::<This<'_>>() }.should_stop()
        }
        // More than a `long` is not to be had.
        let timeout = timeout.min(isize::MAX as Jiffies) as isize;
        // SAFETY: It sleeps, which the caller may, and calls `over` from this thread, with `self`. The
        // variable is a place to be woken by.
        unsafe {
            kalloc_helper_sleep_on_var(
                self.in_flight.wakes(),
                Some(over),
                (&raw const *self).cast(),
                timeout,
            )
        }
    }
}

/// What a thread and its handle share.
struct Shared<R> {
    /// [`main`] runs, or did.
    begun: AtomicBool,
    /// The thread's, from its start to its end. Then that of the last to have this.
    result: UnsafeCell<Option<R>>,
    /// Nobody waits for the thread.
    abandoned: AtomicBool,
    in_flight: InFlight,
}

// SAFETY: Only one thread at a time uses what is in the cell, which may be sent there.
unsafe impl<R: Send> Send for Shared<R> {}
// SAFETY: As above.
unsafe impl<R: Send> Sync for Shared<R> {}

/// What a thread is started with.
struct Start<F, R> {
    closure: F,
    shared: Arc<Shared<R>>,
}

/// A thread whose closure returns an `R`, wraps `struct task_struct`.
///
/// # Invariants
///
/// The pointer is to a thread that `kthread_create()` made, of which this has a reference. `start` is
/// what it was started with, and `never_ran` is for that.
// A handle may outlive the module that started the thread, so it has no other code of that module.
pub struct Kthread<R> {
    thread: NonNull<bindings::task_struct>,
    shared: DropOrLeak<Arc<Shared<R>>>,
    start: *mut c_void,
    never_ran: unsafe fn(*mut c_void),
}

// SAFETY: The kernel's threads may be stopped from every thread, and what is shared is `Send`, as is
// the closure.
unsafe impl<R: Send> Send for Kthread<R> {}
// SAFETY: A shared handle gives nothing.
unsafe impl<R: Send> Sync for Kthread<R> {}

impl<R: Send + 'static> Kthread<R> {
    /// See [`kthread_run!`].
    #[doc(hidden)]
    pub fn run<C, F>(cx: &C, name: &CStr, closure: F) -> Result<Self>
    where
        C: MaySleep + MayReclaim,
        F: FnOnce(&mut TaskCx, &This<'_>) -> R + Send + 'static,
    {
        let main: unsafe extern "C" fn(*mut c_void) -> c_int = main::<F, R>;
        let shared = Arc::new_with(
            cx,
            Shared {
                begun: AtomicBool::new(false),
                result: UnsafeCell::new(None),
                abandoned: AtomicBool::new(false),
                in_flight: InFlight::of(main as *const c_void),
            },
        )?;
        let start = KBox::new(
            cx,
            Start {
                closure,
                shared: shared.clone(),
            },
        )?;
        // `main` or `never_ran` ends it.
        shared.in_flight.begin().ok_or(EBUSY)?.forget();
        let start: *mut c_void = start.into_raw().cast();
        // SAFETY: `main` gets what it is for; the kernel copies the name.
        let thread = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(main),
                start,
                bindings::NUMA_NO_NODE,
                c"%s".as_char_ptr(),
                name.as_char_ptr(),
            )
        });
        let thread = match thread.map(NonNull::new) {
            Ok(Some(thread)) => thread,
            failed => {
                // SAFETY: There is no thread that would call `main` with it.
                unsafe { never_ran::<F, R>(start) };
                return Err(failed.err().unwrap_or(ENOMEM));
            }
        };
        // SAFETY: It has not been started, so it is there.
        unsafe { bindings::get_task_struct(thread.as_ptr()) };
        // SAFETY: As above.
        unsafe { bindings::wake_up_process(thread.as_ptr()) };
        // INVARIANT: The reference was taken above.
        Ok(Self {
            thread,
            shared: DropOrLeak::new(shared),
            start,
            never_ran: never_ran::<F, R>,
        })
    }

    /// Tells the thread to stop, waits until it has ended, and returns what its closure did. Wraps
    /// `kthread_stop()`. The thread itself would wait for ever.
    ///
    /// # Errors
    ///
    /// `EINTR` if the thread had not begun: its closure is dropped. `EIO` if the kernel has ended the
    /// thread, because its closure panicked: what it had is lost, and locks that it held stay held.
    pub fn stop<C: MaySleep + MayReclaim>(self, _cx: &C) -> Result<R> {
        // SAFETY: By the invariant; this sleeps, which the caller may.
        let code = unsafe { bindings::kthread_stop(self.thread.as_ptr()) };
        if code == 0 {
            // SAFETY: The thread has ended, so it is the handle's.
            return unsafe { (*self.shared.result.get()).take() }.ok_or(EIO);
        }
        if !self.shared.begun.load(Ordering::Acquire) {
            // SAFETY: The thread has ended without `main`, so `start` is still what it was. The module of
            // `never_ran` is there, since the thread is counted.
            unsafe { (self.never_ran)(self.start) };
            return Err(EINTR);
        }
        // `main` returns 0, so it did not return: the thread died in the closure, and no code of its
        // module runs in it any more.
        // SAFETY: `main` counts itself out when it returns, which it did not.
        drop(unsafe { self.shared.in_flight.begun() });
        // SAFETY: The reference is the one that `main` had, which it drops when it returns.
        drop(unsafe { Arc::from_raw(&raw const **self.shared) });
        Err(EIO)
    }
}

impl<R> Drop for Kthread<R> {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
        // SAFETY: By the invariant.
        unsafe { bindings::wake_up_process(self.thread.as_ptr()) };
        // SAFETY: By the invariant; the thread is not used again.
        unsafe { bindings::put_task_struct(self.thread.as_ptr()) };
    }
}

impl<R> fmt::Debug for Kthread<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kthread")
    }
}

/// # Safety
///
/// `start` is the result of `KBox::into_raw` of a `Start<F, R>` that is counted, and is not used again.
unsafe fn take<F, R>(start: *mut c_void) -> (Begun, F, Arc<Shared<R>>) {
    // SAFETY: By the contract of this function.
    let start = unsafe { KBox::<Start<F, R>>::from_raw(start.cast()) };
    let Start { closure, shared } = KBox::into_inner(start);
    // SAFETY: It is counted, and this is called once for it.
    let begun = unsafe { shared.in_flight.begun() };
    (begun, closure, shared)
}

/// Takes back what was handed to a thread.
///
/// # Safety
///
/// As that of [`take`]; the thread has not run, and will not.
unsafe fn never_ran<F, R>(start: *mut c_void) {
    // SAFETY: By the contract of this function. The first is dropped last.
    let (_begun, _closure, _shared) = unsafe { take::<F, R>(start) };
}

/// # Safety
///
/// As that of [`take`].
unsafe extern "C" fn main<F, R>(start: *mut c_void) -> c_int
where
    F: FnOnce(&mut TaskCx, &This<'_>) -> R,
{
    // SAFETY: By the contract of this function. The first is dropped last.
    let (_begun, closure, shared) = unsafe { take::<F, R>(start) };
    // Before all else: where the closure panics, the thread dies, and nothing here is dropped.
    shared.begun.store(true, Ordering::Release);
    let this = This {
        abandoned: &shared.abandoned,
        in_flight: &shared.in_flight,
        _thread: NotThreadSafe,
    };
    // SAFETY: This is a thread of its own, and it is the only token in it.
    let result = closure(&mut unsafe { TaskCx::assume() }, &this);
    // SAFETY: Until this returns it is the thread's.
    unsafe { *shared.result.get() = Some(result) };
    0
}

/// Starts a thread with a name, wraps `kthread_run()`: `kthread_run!(&task, c"name", closure)`.
///
/// The closure gets its [`TaskCx`] and [`This`], and has to look at [`This::should_stop`] now and
/// then.
///
/// # Errors
///
/// `ENOMEM`; `EINTR` if the caller was killed; `EBUSY` if the module ends. The closure is dropped.
#[doc(inline)]
pub use crate::kthread_run;
/// As the documentation of [`kthread_run!`] in [`kalloc::kthread`](crate::kthread) says.
#[doc(hidden)]
#[macro_export]
macro_rules! kthread_run {
    ($cx:expr, $name:expr, $closure:expr $(,)?) => {
        $crate::kthread::Kthread::run($cx, $name, $closure)
    };
}
