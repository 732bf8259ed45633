// SPDX-License-Identifier: GPL-2.0

//! Timers, which expire in a softirq: [`BhCx`].
//!
//! C header: [`include/linux/timer.h`](srctree/include/linux/timer.h)
//!
//! On `CONFIG_PREEMPT_RT` the softirq is a thread with bottom halves disabled, and the token is the
//! same. `TIMER_IRQSAFE`, which the kernel has for its workqueues, has no form here.

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
    flags::matrix::ForKmalloc, //
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

/// What a [`Timer`] does.
pub trait Expire: Send + Sync + 'static {
    /// Runs in a softirq when the timer has expired. It starts again after the jiffies that this
    /// returns.
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies>;
}

/// A timer, `struct timer_list`, and what it does. Memory of kmalloc.
///
/// Dropping it is legal wherever the driver can have it, also in its own callback: the timer does
/// not expire again, and the value is dropped in process context, later, when it does not run.
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
pub struct Timer<T: Expire>(CallbackBox<KernelObject<Timers, T>>);

struct Timers;

// SAFETY: Shut down, a timer does not start again, and the last that it did was to run.
unsafe impl ObjectKind for Timers {
    type Raw = timer_list;

    unsafe fn stop(timer: *mut timer_list) {
        // SAFETY: By the contract of this function.
        unsafe { timer_shutdown(timer) };
    }

    unsafe fn wait(timer: *mut timer_list) {
        // SAFETY: By the contract of this function.
        unsafe { timer_shutdown_sync(timer) };
    }
}

/// # Safety
///
/// Only the kernel calls it, with a timer that was set up for it.
unsafe extern "C" fn expired<T: Expire>(timer: *mut timer_list) {
    // SAFETY: The kernel calls this with a timer that `new` has set up.
    let Some(callback) = (unsafe { KernelObject::<Timers, T>::enter(timer) }) else {
        return;
    };
    // SAFETY: Timers expire in a softirq, and no other token is in reach.
    let next = callback.data().expired(&mut unsafe { BhCx::assume() });
    if let Some(delay) = next {
        // SAFETY: It was set up. The end of the module waits for this callback, and shuts the timer
        // down: then nothing happens.
        unsafe { kalloc_helper_timer_start(timer, delay) };
    }
}

impl<T: Expire> Timer<T> {
    /// A timer that has not been started, wraps `timer_setup()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, `EBUSY` if the module ends, and what `data` returns.
    pub fn new<G, E>(grant: G, data: impl PinInit<T, E>) -> Result<Self>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        let set_up = |timer| {
            // SAFETY: It is the place of a timer.
            unsafe { kalloc_helper_timer_setup(timer, Some(expired::<T>)) };
            Ok(())
        };
        // SAFETY: It is set up, and `expired` is for this type.
        let callback = unsafe { KernelObject::new(data, set_up) };
        Ok(Self(CallbackBox::new(grant, callback)?))
    }

    /// Lets it expire `delay` jiffies from now, also when it was to expire at another time, wraps
    /// `mod_timer()`. Whether it was. Does nothing if the module ends.
    pub fn start(&self, delay: Jiffies) -> bool {
        // SAFETY: It was set up.
        let start = |timer| unsafe { kalloc_helper_timer_start(timer, delay) != 0 };
        self.0.arm(start).unwrap_or(false)
    }

    /// Whether it is to expire, wraps `timer_pending()`.
    pub fn is_pending(&self) -> bool {
        // SAFETY: It was set up.
        unsafe { kalloc_helper_timer_pending(self.0.get().raw()) }
    }

    /// Stops it without waiting, wraps `timer_delete()`. Whether it was to expire.
    ///
    /// It may be running, and may start itself again.
    pub fn cancel(&self) -> bool {
        // SAFETY: It was set up.
        unsafe { timer_delete(self.0.get().raw()) != 0 }
    }

    /// Stops it and waits until it does not run, wraps `timer_delete_sync()`. Whether it was to
    /// expire.
    pub fn cancel_sync<C: MaySleep>(&self, _cx: &C) -> bool {
        // SAFETY: It was set up. The caller may sleep, so it is not the callback.
        unsafe { timer_delete_sync(self.0.get().raw()) != 0 }
    }

    /// What it does.
    pub fn data(&self) -> &T {
        self.0.get().get_ref().data()
    }

    /// Ends it at once, wraps `timer_shutdown_sync()`.
    pub fn free<C: MaySleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Expire> fmt::Debug for Timer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}
