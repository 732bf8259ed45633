// SPDX-License-Identifier: GPL-2.0

//! Work in a hard interrupt, queued from any context, an NMI handler too.
//!
//! C header: [`include/linux/irq_work.h`](srctree/include/linux/irq_work.h)
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
    flags::matrix::ForKmalloc, //
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

/// What an [`IrqWork`] of kind `K` does.
pub trait Run<K: Kind = Threadable>: Send + Sync + 'static {
    /// Runs once for all that queued it before it began, on more than one CPU at once if it is
    /// queued while it runs.
    fn run(&self, cx: &mut K::Context<'_>);
}

/// Work for a hard interrupt, `struct irq_work`, and what it does. Memory of kmalloc.
///
/// Dropping it is legal wherever the driver can have it: work that was queued runs, and the value is
/// dropped in process context after it.
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

// SAFETY: It gives no access to the value, and is queued without a lock.
unsafe impl<T: Run<K>, K: Kind> NmiSafe for IrqWork<T, K> {}

struct IrqWorks;

// SAFETY: Work that has been waited for is in no list, and does not run.
unsafe impl ObjectKind for IrqWorks {
    type Raw = irq_work;

    // Queued work cannot be taken back.
    unsafe fn stop(_work: *mut irq_work) {}

    unsafe fn wait(work: *mut irq_work) {
        // SAFETY: By the contract of this function.
        unsafe { kalloc_helper_irq_work_sync(work) }
    }
}

/// # Safety
///
/// Only the kernel calls it, with work that was set up for it.
unsafe extern "C" fn run<T: Run<K>, K: Kind>(work: *mut irq_work) {
    // SAFETY: The kernel calls this with work that `new` has set up.
    if let Some(callback) = unsafe { KernelObject::<IrqWorks, T>::enter(work) } {
        // SAFETY: Work of this kind runs, and no other token is in reach.
        callback.data().run(&mut unsafe { K::enter() })
    }
}

impl<T: Run<K>, K: Kind> IrqWork<T, K> {
    /// Work that has not been queued, wraps `init_irq_work()` and `IRQ_WORK_INIT_HARD()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, `EBUSY` if the module ends, and what `data` returns.
    pub fn new<G, E>(grant: G, data: impl PinInit<T, E>) -> Result<Self>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        let set_up = |work| {
            // SAFETY: It is the place of an `irq_work`.
            unsafe { kalloc_helper_init_irq_work(work, Some(run::<T, K>), K::HARD) };
            Ok(())
        };
        // SAFETY: It is set up, and `run` is for this type.
        let callback = unsafe { KernelObject::new(data, set_up) };
        Ok(Self(CallbackBox::new(grant, callback)?, PhantomData))
    }

    /// Queues it on this CPU, wraps `irq_work_queue()`. False where it was queued already and has
    /// not begun, and if the module ends.
    ///
    /// Legal in every context.
    #[inline]
    pub fn queue(&self) -> bool {
        // SAFETY: It was set up, and lives until it has been waited for.
        let queue = |work| unsafe { irq_work_queue(work) };
        self.0.arm(queue).unwrap_or(false)
    }

    /// Waits until it neither is queued nor runs, on any CPU; wraps `irq_work_sync()`, and waits for
    /// a grace period.
    pub fn sync<C: MaySleep>(&self, _cx: &C) {
        // SAFETY: It was set up. The caller may sleep, so it is not the callback.
        unsafe { kalloc_helper_irq_work_sync(self.0.get().raw()) }
    }

    /// Ends it at once, after it has run if it is queued.
    pub fn free<C: MaySleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Run<K>, K: Kind> fmt::Debug for IrqWork<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IrqWork")
    }
}
