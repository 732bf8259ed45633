// SPDX-License-Identifier: GPL-2.0

//! Timers, which expire in a softirq: [`Bh`].
//!
//! C header: [`include/linux/timer.h`](srctree/include/linux/timer.h)
//!
//! On `CONFIG_PREEMPT_RT` the softirq is a thread with bottom halves disabled, and the token is the
//! same. `TIMER_IRQSAFE`, which the kernel has for its workqueues, has no form here.

use crate::{
    context::{Bh, Sleep},
    gfp::{ForKmalloc, Grant},
    reap::{self, Called, Owned},
};
use core::fmt;
use kalloc_bindings::*;
use kernel::{
    bindings::{timer_delete, timer_delete_sync, timer_list, timer_shutdown, timer_shutdown_sync},
    container_of,
    error::{Error, Result},
    prelude::{pin_data, try_pin_init, PinInit},
    time::Jiffies,
    types::Opaque,
};

/// What a [`Timer`] does.
pub trait Expire: Send + Sync + 'static {
    /// Runs in a softirq when the timer has expired. It starts again after the jiffies that this
    /// returns.
    fn expired(&self, cx: &mut Bh<'_>) -> Option<Jiffies>;
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
///     fn expired(&self, cx: &mut Bh<'_>) -> Option<Jiffies> {
///         // GFP_ATOMIC
///         let _report = KBox::new(&cx, *self.0);
///         Some(msecs_to_jiffies(100))
///     }
/// }
///
/// fn watch(task: &Task) -> Result<Timer<Watchdog>> {
///     let timer = Timer::new(task, Watchdog(KBox::new(task, 1)?))?;
///     timer.start(msecs_to_jiffies(100));
///     Ok(timer)
/// }
/// ```
pub struct Timer<T: Expire>(Owned<Inner<T>>);

#[pin_data]
struct Inner<T> {
    #[pin]
    timer: Opaque<timer_list>,
    #[pin]
    data: T,
}

// SAFETY: The kernel locks the timer, and the value may be sent.
unsafe impl<T: Send> Send for Inner<T> {}
// SAFETY: The kernel locks the timer, and the value may be shared.
unsafe impl<T: Sync> Sync for Inner<T> {}

// SAFETY: Shut down, a timer does not start again, and the last that it did was to run.
unsafe impl<T: Expire> Called for Inner<T> {
    fn stop(&self) {
        // SAFETY: It was set up.
        unsafe { timer_shutdown(self.timer.get()) };
    }

    unsafe fn wait(&self) {
        // SAFETY: It was set up. It may wait by the contract of this function.
        unsafe { timer_shutdown_sync(self.timer.get()) };
    }
}

/// # Safety
///
/// Only the kernel calls it, with a timer that was set up for it.
unsafe extern "C" fn expired<T: Expire>(timer: *mut timer_list) {
    // SAFETY: The kernel calls this with a timer that was set up for it, which is in an `Inner<T>`
    // that lives until the timer has been waited for.
    let inner = unsafe { &*container_of!(Opaque::cast_from(timer), Inner<T>, timer) };
    // SAFETY: As above.
    if unsafe { reap::is_closed(inner) } {
        return;
    }
    // SAFETY: Timers expire in a softirq, and no other token is in reach.
    let next = inner.data.expired(&mut unsafe { Bh::assume() });
    if let Some(delay) = next {
        // SAFETY: It was set up. If it has been shut down, nothing happens.
        unsafe { kalloc_helper_timer_start(timer, delay) };
    }
}

impl<T: Expire> Timer<T> {
    /// A timer that has not been started, wraps `timer_setup()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `data` returns.
    pub fn new<G, E>(grant: G, data: impl PinInit<T, E>) -> Result<Self>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        Ok(Self(Owned::new(
            grant,
            try_pin_init!(Inner {
                timer <- Opaque::ffi_init(|timer| {
                    // SAFETY: It is the place of a timer, and `expired` is for this type.
                    unsafe { kalloc_helper_timer_setup(timer, Some(expired::<T>)) }
                }),
                data <- data,
            }? Error),
        )?))
    }

    /// Lets it expire `delay` jiffies from now, also when it was to expire at another time, wraps
    /// `mod_timer()`. Whether it was.
    pub fn start(&self, delay: Jiffies) -> bool {
        // SAFETY: It was set up.
        unsafe { kalloc_helper_timer_start(self.0.get().timer.get(), delay) != 0 }
    }

    /// Whether it is to expire, wraps `timer_pending()`.
    pub fn is_pending(&self) -> bool {
        // SAFETY: It was set up.
        unsafe { kalloc_helper_timer_pending(self.0.get().timer.get()) }
    }

    /// Stops it without waiting, wraps `timer_delete()`. Whether it was to expire.
    ///
    /// It may be running, and may start itself again.
    pub fn cancel(&self) -> bool {
        // SAFETY: It was set up.
        unsafe { timer_delete(self.0.get().timer.get()) != 0 }
    }

    /// Stops it and waits until it does not run, wraps `timer_delete_sync()`. Whether it was to
    /// expire.
    pub fn cancel_sync<C: Sleep>(&self, _cx: &C) -> bool {
        // SAFETY: It was set up. The caller may sleep, so it is not the callback.
        unsafe { timer_delete_sync(self.0.get().timer.get()) != 0 }
    }

    /// What it does.
    pub fn data(&self) -> &T {
        &self.0.get().get_ref().data
    }

    /// Ends it at once, wraps `timer_shutdown_sync()`.
    pub fn free<C: Sleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Expire> fmt::Debug for Timer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}
