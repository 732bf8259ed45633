// SPDX-License-Identifier: GPL-2.0

//! `irq_work`: work in a hard interrupt, queued from any context, including an NMI handler.
//!
//! C header: [`include/linux/irq_work.h`](srctree/include/linux/irq_work.h)
//!
//! The page [Interrupts, timers and NMIs](pages/interrupts.html) says more.
//!
//! | kind | C | stock kernel | `CONFIG_PREEMPT_RT` | token |
//! | --- | --- | --- | --- | --- |
//! | [`Threadable`] | `IRQ_WORK_INIT()` | hard interrupt | thread, RCU read side | [`IrqCx`] |
//! | [`Hard`] | `IRQ_WORK_INIT_HARD()` | hard interrupt | hard interrupt | [`RawCx`] |
//!
//! [`IrqCx`]: crate::context::IrqCx
//! [`RawCx`]: crate::context::RawCx
//! [`Hard`]: crate::irq::Hard

use crate::{
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::MaySleep, //
    },
    entry::{
        bus::irq_request::{
            Kind,
            Threadable, //
        },
        callbacks::{
            CallbackBox,
            KernelObject,
            ObjectKind, //
        },
    },
    flags::allocators::ForKmalloc, //
};
use core::{
    fmt,
    marker::PhantomData, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        irq_work,
        irq_work_queue, //
    },
    error::{
        Error,
        Result, //
    },
    prelude::PinInit, //
};

/// The callback of an [`IrqWork`] of kind `K`.
pub trait Run<K: Kind = Threadable>: Send + Sync + 'static {
    /// Runs once for all calls that queued it before it began. It may run on several CPUs at once,
    /// if it is queued while it runs.
    fn run(&self, cx: &mut K::Context<'_>);
}

/// Work for a hard interrupt, `struct irq_work`, with its callback, in memory of kmalloc.
///
/// It may be dropped wherever a driver can own it. Queued work still runs, and the value is dropped
/// after that, in process context.
///
/// ```
/// use kalloc::{irq_work::{IrqWork, Run}, prelude::*};
///
/// struct Report;
///
/// impl Run for Report {
///     fn run(&self, cx: &mut IrqCx<'_>) {
///         // GFP_ATOMIC
///         let _report = KBox::new(&cx, [0u8; 64]);
///     }
/// }
///
/// fn prepare(task: &TaskCx) -> Result<IrqWork<Report>> {
///     IrqWork::new(task, Report)
/// }
///
/// fn in_nmi(work: &IrqWork<Report>, _cx: &mut NmiCx<'_>) {
///     work.queue();
/// }
/// ```
pub struct IrqWork<T: Run<K>, K: Kind = Threadable>(
    CallbackBox<KernelObject<IrqWorks, T>>,
    PhantomData<fn() -> K>,
);

// SAFETY: `&IrqWork` gives no access to the value, and queueing takes no lock.
unsafe impl<T: Run<K>, K: Kind> NmiSafe for IrqWork<T, K> {}

struct IrqWorks;

// SAFETY: After `irq_work_sync()` the work is in no list and does not run.
unsafe impl ObjectKind for IrqWorks {
    type Raw = irq_work;

    // Queued work cannot be cancelled.
    unsafe fn stop(_work: *mut irq_work) {}

    unsafe fn wait(work: *mut irq_work) {
        // SAFETY: `# Safety`: `work` was set up, and the caller may sleep.
        unsafe { kalloc_helper_irq_work_sync(work) }
    }
}

/// # Safety
///
/// Only the kernel calls it, with work that was set up with it.
unsafe extern "C" fn run<T: Run<K>, K: Kind>(work: *mut irq_work) {
    // SAFETY: `# Safety`: `new` has set up `work`.
    if let Some(callback) = unsafe { KernelObject::<IrqWorks, T>::enter(work) } {
        // SAFETY: Work of this kind runs. The callback can reach no other token.
        callback.data().run(&mut unsafe { K::enter() })
    }
}

impl<T: Run<K>, K: Kind> IrqWork<T, K> {
    /// Makes work that is not queued; wraps `init_irq_work()` and `IRQ_WORK_INIT_HARD()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if memory is short, `EBUSY` if the module is ending, and the error of `data`.
    #[doc(alias = "init_irq_work")]
    pub fn new<G, E>(grant: G, data: impl PinInit<T, E>) -> Result<Self>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        let set_up = |work| {
            // SAFETY: `work` is uninitialised memory for an `irq_work`.
            unsafe { kalloc_helper_init_irq_work(work, Some(run::<T, K>), K::HARD) };
            Ok(())
        };
        // SAFETY: `set_up` initialises the object, and `run` is for this type.
        let callback = unsafe { KernelObject::new(data, set_up) };
        Ok(Self(CallbackBox::new(grant, callback)?, PhantomData))
    }

    /// Queues the work on this CPU; wraps `irq_work_queue()`. Returns false if it is queued already
    /// and has not begun, or if the module is ending.
    ///
    /// # Context
    ///
    /// Any context.
    #[doc(alias = "irq_work_queue")]
    #[inline]
    pub fn queue(&self) -> bool {
        // SAFETY: The work was set up, and lives until it has been waited for.
        let queue = |work| unsafe { irq_work_queue(work) };
        self.0.arm(queue).unwrap_or(false)
    }

    /// Waits until the work is neither queued nor running on any CPU; wraps `irq_work_sync()`, and
    /// also waits for a grace period.
    ///
    /// # Context
    ///
    /// Process context. Sleeps.
    #[doc(alias = "irq_work_sync")]
    pub fn sync<C: MaySleep>(&self, _cx: &C) {
        // SAFETY: The work was set up. The caller may sleep, so it is not the callback.
        unsafe { kalloc_helper_irq_work_sync(self.0.get().raw()) }
    }

    /// Ends the work at once. Queued work runs first.
    ///
    /// # Context
    ///
    /// Process context. Sleeps.
    pub fn free<C: MaySleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Run<K>, K: Kind> fmt::Debug for IrqWork<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IrqWork")
    }
}
