// SPDX-License-Identifier: GPL-2.0

//! Kernel threads.
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)
//!
//! The page [Entry points](pages/entry.html) says more.
//!
//! A thread runs a closure. The closure gets its own [`TaskCx`], and a [`This`] that tells it when
//! to stop.
//!
//! ```
//! use kalloc::{kthread::{self, kthread_run, Kthread}, prelude::*};
//!
//! fn count(task: &TaskCx) -> Result<Kthread<u32>> {
//!     kthread_run!(task, c"counter", |task: &mut TaskCx, this: &kthread::This<'_>| {
//!         let mut seconds = 0;
//!         while !this.should_stop() {
//!             this.sleep(task, kernel::time::msecs_to_jiffies(1000));
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
//! Dropping a [`Kthread`] tells the thread to stop, and does not wait: a drop takes no token and
//! does not sleep. The later of the drop and the thread's end drops the thread's result and frees
//! the memory. On `CONFIG_PREEMPT_RT` a handle that is dropped with interrupts or preemption
//! disabled, after the end of the thread, leaks that memory. The end of the module waits for its
//! threads, and wakes those that sleep in [`This::sleep`]: see [`in_flight`](crate::in_flight).

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

/// The current thread. Only the thread's own code has one.
#[derive(Debug)]
pub struct This<'a> {
    abandoned: &'a AtomicBool,
    in_flight: &'a InFlight,
    _thread: NotThreadSafe,
}

impl This<'_> {
    /// Whether the thread should end; wraps `kthread_should_stop()`.
    #[doc(alias = "kthread_should_stop")]
    pub fn should_stop(&self) -> bool {
        // `Acquire`: pairs with the `Release` of the handle's drop. A thread that sleeps is woken
        // after the store: `wake_up_process()` is a full barrier, as is the change of the state
        // before the sleeper looks here.
        let unwanted = self.abandoned.load(Ordering::Acquire) || self.in_flight.is_closed();
        // SAFETY: The current thread was made by `kthread_create()`.
        unwanted || unsafe { bindings::kthread_should_stop() }
    }

    /// Sleeps until the timeout expires or the thread should stop; wraps `schedule_timeout()`. The
    /// sleep does not count as load.
    ///
    /// # Context
    ///
    /// Process context. Sleeps.
    #[doc(alias = "schedule_timeout_idle")]
    pub fn sleep<C: MaySleep>(&self, _cx: &C, timeout: Jiffies) {
        /// # Safety
        ///
        /// `this` is the [`This`] of the current thread.
        unsafe extern "C" fn over(this: *const c_void) -> bool {
            // SAFETY: `# Safety`: `this` is a [`This`].
            unsafe { &*this.cast::<This<'_>>() }.should_stop()
        }
        // `schedule_timeout()` takes a `long`.
        let timeout = timeout.min(isize::MAX as Jiffies) as isize;
        // SAFETY: The caller may sleep. The helper calls `over` on this thread, with `self`. The
        // first argument is only an address to be woken by.
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

/// The state that a thread and its handle share.
struct Shared<R> {
    /// Whether [`main`] has begun.
    begun: AtomicBool,
    /// Used by the thread until it ends, and then by the last owner of the state.
    result: UnsafeCell<Option<R>>,
    /// Whether the handle was dropped.
    abandoned: AtomicBool,
    in_flight: InFlight,
}

// SAFETY: Only one thread at a time uses the content of the cell, which is `Send`.
unsafe impl<R: Send> Send for Shared<R> {}
// SAFETY: As for `Send`.
unsafe impl<R: Send> Sync for Shared<R> {}

/// The argument of a thread.
struct Start<F, R> {
    closure: F,
    shared: Arc<Shared<R>>,
}

/// A thread whose closure returns an `R`; wraps `struct task_struct`.
///
/// # Invariants
///
/// `thread` points to a thread that `kthread_create()` made, and holds a reference to it. `start`
/// is the argument of the thread, and `never_ran` takes that argument.
// A handle may outlive the module that started the thread, so it refers to no other code of that
// module.
pub struct Kthread<R> {
    thread: NonNull<bindings::task_struct>,
    shared: DropOrLeak<Arc<Shared<R>>>,
    start: *mut c_void,
    never_ran: unsafe fn(*mut c_void),
}

// SAFETY: Any thread may stop a kernel thread. The shared state and the closure are `Send`.
unsafe impl<R: Send> Send for Kthread<R> {}
// SAFETY: A shared handle gives access to nothing.
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
        // `main` or `never_ran` ends the count.
        shared.in_flight.begin().ok_or(EBUSY)?.forget();
        let start: *mut c_void = start.into_raw().cast();
        // SAFETY: `main` gets the argument that it requires. The kernel copies the name.
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
                // SAFETY: No thread was made, so `main` is not called with `start`.
                unsafe { never_ran::<F, R>(start) };
                return Err(failed.err().unwrap_or(ENOMEM));
            }
        };
        // SAFETY: The thread has not been started, so it exists.
        unsafe { bindings::get_task_struct(thread.as_ptr()) };
        // SAFETY: The thread exists: a reference was taken above.
        unsafe { bindings::wake_up_process(thread.as_ptr()) };
        // INVARIANT: `get_task_struct()` took the reference.
        Ok(Self {
            thread,
            shared: DropOrLeak::new(shared),
            start,
            never_ran: never_ran::<F, R>,
        })
    }

    /// Tells the thread to stop, waits until it has ended, and returns the closure's result; wraps
    /// `kthread_stop()`. A call by the thread itself deadlocks.
    ///
    /// # Context
    ///
    /// Process context. Sleeps.
    ///
    /// # Errors
    ///
    /// `EINTR` if the thread had not begun; the closure is dropped. `EIO` if the kernel killed the
    /// thread because its closure panicked; its values are leaked, and locks that it held stay
    /// held.
    #[doc(alias = "kthread_stop")]
    pub fn stop<C: MaySleep + MayReclaim>(self, _cx: &C) -> Result<R> {
        // SAFETY: Invariant of `Kthread`: `thread` is a thread with a reference. The caller may
        // sleep.
        let code = unsafe { bindings::kthread_stop(self.thread.as_ptr()) };
        if code == 0 {
            // SAFETY: The thread has ended, so the handle owns the result.
            return unsafe { (*self.shared.result.get()).take() }.ok_or(EIO);
        }
        // `Acquire`, with the `Release` of `main`. `kthread_stop()` has waited for the thread's end.
        if !self.shared.begun.load(Ordering::Acquire) {
            // SAFETY: The thread has ended without running `main`, so `start` is still owned. The
            // thread is counted, so the module of `never_ran` is loaded.
            unsafe { (self.never_ran)(self.start) };
            return Err(EINTR);
        }
        // `main` would have returned 0, so it did not return: the kernel killed the thread in the
        // closure, and the thread runs no code of its module any more.
        // SAFETY: `main` ends the count when it returns, which it did not.
        drop(unsafe { self.shared.in_flight.begun() });
        // SAFETY: The reference is that of `main`, which drops it when it returns, which it did
        // not.
        drop(unsafe { Arc::from_raw(&raw const **self.shared) });
        Err(EIO)
    }
}

impl<R> Drop for Kthread<R> {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
        // SAFETY: Invariant of `Kthread`: `thread` is a thread with a reference.
        unsafe { bindings::wake_up_process(self.thread.as_ptr()) };
        // SAFETY: Invariant of `Kthread`: the handle holds a reference. `thread` is not used again.
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
/// `start` is from `KBox::into_raw` of a `Start<F, R>`, which is counted, and is not used again.
unsafe fn take<F, R>(start: *mut c_void) -> (Begun, F, Arc<Shared<R>>) {
    // SAFETY: `# Safety`: `start` is from `KBox::into_raw` of a `Start<F, R>`, and is not used
    // again.
    let start = unsafe { KBox::<Start<F, R>>::from_raw(start.cast()) };
    let Start { closure, shared } = KBox::into_inner(start);
    // SAFETY: `# Safety`: `start` is counted, and `take` is called once for it.
    let begun = unsafe { shared.in_flight.begun() };
    (begun, closure, shared)
}

/// Drops the argument of a thread that did not run.
///
/// # Safety
///
/// As [`take`]. The thread has not run, and will not run.
unsafe fn never_ran<F, R>(start: *mut c_void) {
    // SAFETY: `# Safety`: as that of `take`. `_begun` is dropped last.
    let (_begun, _closure, _shared) = unsafe { take::<F, R>(start) };
}

/// # Safety
///
/// As [`take`].
unsafe extern "C" fn main<F, R>(start: *mut c_void) -> c_int
where
    F: FnOnce(&mut TaskCx, &This<'_>) -> R,
{
    // SAFETY: `# Safety`: as that of `take`. `_begun` is dropped last.
    let (_begun, closure, shared) = unsafe { take::<F, R>(start) };
    // Set first: if the closure panics, the kernel kills the thread, and nothing here is dropped.
    shared.begun.store(true, Ordering::Release);
    let this = This {
        abandoned: &shared.abandoned,
        in_flight: &shared.in_flight,
        _thread: NotThreadSafe,
    };
    // SAFETY: This function is the thread's first, so this is the only token of the thread.
    let result = closure(&mut unsafe { TaskCx::assume() }, &this);
    // SAFETY: The thread owns the cell until `main` returns.
    unsafe { *shared.result.get() = Some(result) };
    0
}

/// Starts a thread with a name; wraps `kthread_run()`: `kthread_run!(&task, c"name", closure)`.
///
/// The closure gets its [`TaskCx`] and [`This`], and must check [`This::should_stop`] regularly.
///
/// # Context
///
/// Process context. May sleep.
///
/// # Errors
///
/// `ENOMEM` if memory is short, `EINTR` if the caller was killed, `EBUSY` if the module is ending.
/// The closure is dropped.
#[doc(inline)]
pub use crate::kthread_run;
/// As the documentation of [`kthread_run!`] in [`kalloc::kthread`](crate::kthread) says.
#[doc(alias = "kthread_create")]
#[doc(hidden)]
#[macro_export]
macro_rules! kthread_run {
    ($cx:expr, $name:expr, $closure:expr $(,)?) => {
        $crate::kthread::Kthread::run($cx, $name, $closure)
    };
}
