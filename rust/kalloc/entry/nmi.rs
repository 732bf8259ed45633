// SPDX-License-Identifier: GPL-2.0

//! Handlers of NMIs: [`NmiCx`]. On x86, where drivers may have some.
//!
//! C header: [`arch/x86/include/asm/nmi.h`](srctree/arch/x86/include/asm/nmi.h)
//!
//! In an NMI no allocator works and nothing may be freed. What the handler has is [`NmiSafe`]:
//! atomics, an [`ObjPool`](crate::objpool::ObjPool), and an [`IrqWork`](crate::irq_work::IrqWork) to
//! hand over to a context that can do more.

use crate::{
    contexts::{
        nmi_safe::NmiSafe,
        tokens::NmiCx,
        traits::MaySleep, //
    },
    entry::callbacks::{
        CallbackBox,
        KernelObject,
        ObjectKind, //
    },
};
use core::fmt;
use kalloc_bindings::*;
use kernel::{
    error::{
        to_result,
        Error,
        Result, //
    },
    prelude::PinInit, //
};

/// Which NMIs a handler is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// All that come to a CPU, `NMI_LOCAL`.
    Local,
    /// Those that nobody else has handled, `NMI_UNKNOWN`.
    Unknown,
}

/// What handles NMIs.
pub trait Handler: NmiSafe + Send + Sync + 'static {
    /// Runs in an NMI, on several CPUs at once if they come to several. Whether it was this
    /// handler's.
    fn handle(&self, cx: &mut NmiCx<'_>) -> bool;
}

/// A handler of NMIs that is registered. Memory of kmalloc.
///
/// The kernel's handlers have no data, so those of kalloc share one of each type.
///
/// Dropping it is legal wherever the driver can have it, which is not in an NMI. It may still run
/// until the value has been dropped, in process context.
///
/// ```
/// use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// use kalloc::{nmi, nmi_safe, prelude::*};
///
/// nmi_safe! {
///     struct Count {
///         count: AtomicU32,
///     }
/// }
///
/// impl nmi::Handler for Count {
///     fn handle(&self, _cx: &mut NmiCx<'_>) -> bool {
///         self.count.fetch_add(1, Relaxed);
///         false
///     }
/// }
///
/// fn count(task: &TaskCx) -> Result<nmi::Registration<Count>> {
///     nmi::Registration::new(task, nmi::Type::Local, Count { count: AtomicU32::new(0) })
/// }
/// ```
pub struct Registration<T: Handler>(CallbackBox<KernelObject<Nmis, T>>);

struct Nmis;

// SAFETY: Out of the list, and after a grace period, no handler has it.
unsafe impl ObjectKind for Nmis {
    type Raw = kalloc_nmi;

    // Taking it from the list may wait.
    unsafe fn stop(_nmi: *mut kalloc_nmi) {}

    unsafe fn wait(nmi: *mut kalloc_nmi) {
        // SAFETY: By the contract of this function; the C code unregisters it once.
        unsafe { kalloc_helper_unregister_nmi(nmi) }
    }
}

/// # Safety
///
/// Only the kernel calls it, in an NMI, with what was registered with it.
unsafe extern "C" fn handle<T: Handler>(nmi: *mut kalloc_nmi) -> bool {
    // SAFETY: It is called with what `new` has registered. Until that is in an `CallbackBox`, the rest of it
    // is there: `raw` is initialised last.
    match unsafe { KernelObject::<Nmis, T>::enter(nmi) } {
        // SAFETY: This runs in an NMI, and no other token is in reach.
        Some(callback) => callback.data().handle(&mut unsafe { NmiCx::assume() }),
        None => false,
    }
}

impl<T: Handler> Registration<T> {
    /// Registers a handler, wraps `register_nmi_handler()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, `EBUSY` if the module ends, and what `data` returns.
    pub fn new<C, E>(cx: &C, nmis: Type, data: impl PinInit<T, E>) -> Result<Self>
    where
        C: MaySleep,
        Error: From<E>,
    {
        let set_up = |nmi| {
            let unknown = nmis == Type::Unknown;
            // SAFETY: The rest is there, and all of it stays there until it is unregistered, since
            // nothing that can fail follows.
            to_result(unsafe { kalloc_helper_register_nmi(nmi, Some(handle::<T>), unknown) })
        };
        // SAFETY: It is set up or fails, and `handle` is for this type.
        let callback = unsafe { KernelObject::new(data, set_up) };
        Ok(Self(CallbackBox::new(cx, callback)?))
    }

    /// What handles them.
    pub fn data(&self) -> &T {
        self.0.get().get_ref().data()
    }

    /// Unregisters it and waits until it does not run, wraps `unregister_nmi_handler()`.
    pub fn free<C: MaySleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Handler> fmt::Debug for Registration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration")
    }
}
