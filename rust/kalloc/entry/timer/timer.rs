// SPDX-License-Identifier: GPL-2.0

//! Timers, which expire in a softirq with a [`BhCx`].
//!
//! C header: [`include/linux/timer.h`](srctree/include/linux/timer.h)
//!
//! The page [Interrupts, timers and NMIs](pages/interrupts.html) says more.
//!
//! On `CONFIG_PREEMPT_RT` the softirq is a thread with bottom halves disabled, and the token is the
//! same. `TIMER_IRQSAFE`, which the kernel has for its workqueues, is not supported.

use crate::{
    contexts::{
        grant::Grant,
        tokens::BhCx,
        traits::MaySleep, //
    },
    entry::callbacks::{
        CallbackBox,
        KernelObject,
        ObjectKind, //
    },
    flags::allocators::ForKmalloc, //
};
use core::fmt;
use kalloc_bindings::*;
use kernel::{
    bindings::{
        timer_delete,
        timer_delete_sync,
        timer_list,
        timer_shutdown,
        timer_shutdown_sync, //
    },
    error::{
        Error,
        Result, //
    },
    prelude::PinInit,
    time::Jiffies, //
};

/// The callback of a [`Timer`].
pub trait Expire: Send + Sync + 'static {
    /// Runs when the timer expires. The timer is started again with the returned delay, in jiffies.
    ///
    /// # Context
    ///
    /// Softirq.
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies>;
}

/// A timer, `struct timer_list`, with its callback, in memory of kmalloc.
///
/// It may be dropped wherever a driver can own it, also in its own callback. The timer does not
/// expire again. The value is dropped later, in process context, when the callback does not run.
///
/// ```
/// use kalloc::{prelude::*, timer::{Expire, Timer}};
/// use kernel::time::{msecs_to_jiffies, Jiffies};
///
/// struct Watchdog(KBox<u32>);
///
/// impl Expire for Watchdog {
///     fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
///         // GFP_ATOMIC
///         let _report = KBox::new(&cx, *self.0);
///         Some(msecs_to_jiffies(100))
///     }
/// }
///
/// fn watch(task: &TaskCx) -> Result<Timer<Watchdog>> {
///     let timer = Timer::new(task, Watchdog(KBox::new(task, 1)?))?;
///     timer.start(msecs_to_jiffies(100));
///     Ok(timer)
/// }
/// ```
#[doc(alias = "timer_shutdown")]
pub struct Timer<T: Expire>(CallbackBox<KernelObject<Timers, T>>);

struct Timers;

// SAFETY: A timer that was shut down does not start again, and `timer_shutdown_sync()` waits for
// the callback.
unsafe impl ObjectKind for Timers {
    type Raw = timer_list;

    unsafe fn stop(timer: *mut timer_list) {
        // SAFETY: `# Safety`: `timer` was set up.
        unsafe { timer_shutdown(timer) };
    }

    unsafe fn wait(timer: *mut timer_list) {
        // SAFETY: `# Safety`: `timer` was set up. The caller may sleep, and is not the callback.
        unsafe { timer_shutdown_sync(timer) };
    }
}

/// # Safety
///
/// Only the kernel calls it, with a timer that was set up with it.
unsafe extern "C" fn expired<T: Expire>(timer: *mut timer_list) {
    // SAFETY: `# Safety`: `new` has set up `timer`.
    let Some(callback) = (unsafe { KernelObject::<Timers, T>::enter(timer) }) else {
        return;
    };
    // SAFETY: Timers expire in a softirq. The callback can reach no other token.
    let next = callback.data().expired(&mut unsafe { BhCx::assume() });
    if let Some(delay) = next {
        // SAFETY: The timer was set up. The end of the module waits for this callback and shuts the
        // timer down. Starting a timer that was shut down has no effect.
        unsafe { kalloc_helper_timer_start(timer, delay) };
    }
}

impl<T: Expire> Timer<T> {
    /// Makes a timer that is not started; wraps `timer_setup()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if memory is short, `EBUSY` if the module is ending, and the error of `data`.
    #[doc(alias = "timer_setup")]
    pub fn new<G, E>(grant: G, data: impl PinInit<T, E>) -> Result<Self>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        let set_up = |timer| {
            // SAFETY: `timer` is uninitialised memory for a timer.
            unsafe { kalloc_helper_timer_setup(timer, Some(expired::<T>)) };
            Ok(())
        };
        // SAFETY: `set_up` initialises the object, and `expired` is for this type.
        let callback = unsafe { KernelObject::new(data, set_up) };
        Ok(Self(CallbackBox::new(grant, callback)?))
    }

    /// Starts or restarts the timer, to expire `delay` jiffies from now; wraps `mod_timer()`.
    /// Returns whether it was pending. Has no effect if the module is ending.
    #[doc(alias("mod_timer", "add_timer"))]
    pub fn start(&self, delay: Jiffies) -> bool {
        // SAFETY: The timer was set up.
        let start = |timer| unsafe { kalloc_helper_timer_start(timer, delay) != 0 };
        self.0.arm(start).unwrap_or(false)
    }

    /// Whether the timer is pending; wraps `timer_pending()`.
    #[doc(alias = "timer_pending")]
    pub fn is_pending(&self) -> bool {
        // SAFETY: The timer was set up.
        unsafe { kalloc_helper_timer_pending(self.0.get().raw()) }
    }

    /// Stops the timer without waiting; wraps `timer_delete()`. Returns whether it was pending.
    ///
    /// The callback may be running, and may start the timer again.
    #[doc(alias = "timer_delete")]
    pub fn cancel(&self) -> bool {
        // SAFETY: The timer was set up.
        unsafe { timer_delete(self.0.get().raw()) != 0 }
    }

    /// Stops the timer and waits until its callback does not run; wraps `timer_delete_sync()`.
    /// Returns whether it was pending.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    #[doc(alias = "timer_delete_sync")]
    pub fn cancel_sync<C: MaySleep>(&self, _cx: &C) -> bool {
        // SAFETY: The timer was set up. The caller may sleep, so it is not the callback.
        unsafe { timer_delete_sync(self.0.get().raw()) != 0 }
    }

    /// The callback.
    pub fn data(&self) -> &T {
        self.0.get().get_ref().data()
    }

    /// Ends the timer at once; wraps `timer_shutdown_sync()`.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    #[doc(alias = "timer_shutdown_sync")]
    pub fn free<C: MaySleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Expire> fmt::Debug for Timer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}
