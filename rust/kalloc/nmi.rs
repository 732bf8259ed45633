// SPDX-License-Identifier: GPL-2.0

//! Handlers of NMIs: [`Nmi`]. On x86, where drivers may have some.
//!
//! C header: [`arch/x86/include/asm/nmi.h`](srctree/arch/x86/include/asm/nmi.h)
//!
//! In an NMI no allocator works and nothing may be freed. What the handler has is [`NmiSafe`]:
//! atomics, an [`ObjPool`](crate::objpool::ObjPool), and an [`IrqWork`](crate::irq_work::IrqWork) to
//! hand over to a context that can do more.

use crate::{
    context::{Nmi, NmiSafe, Sleep},
    reap::{self, Called, Owned},
};
use core::fmt;
use kalloc_bindings::*;
use kernel::{
    container_of,
    error::{to_result, Error, Result},
    prelude::{pin_data, try_pin_init, PinInit},
    types::Opaque,
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
    fn handle(&self, cx: &mut Nmi<'_>) -> bool;
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
///     fn handle(&self, _cx: &mut Nmi<'_>) -> bool {
///         self.count.fetch_add(1, Relaxed);
///         false
///     }
/// }
///
/// fn count(task: &Task) -> Result<nmi::Registration<Count>> {
///     nmi::Registration::new(task, nmi::Type::Local, Count { count: AtomicU32::new(0) })
/// }
/// ```
pub struct Registration<T: Handler>(Owned<Inner<T>>);

#[pin_data]
struct Inner<T> {
    #[pin]
    nmi: Opaque<kalloc_nmi>,
    #[pin]
    data: T,
}

// SAFETY: The list is the C code's, and the value may be sent.
unsafe impl<T: Send> Send for Inner<T> {}
// SAFETY: The list is the C code's, and the value may be shared.
unsafe impl<T: Sync> Sync for Inner<T> {}

// SAFETY: Out of the list, and after a grace period, no handler has it.
unsafe impl<T: Handler> Called for Inner<T> {
    // Taking it from the list may wait.
    fn stop(&self) {}

    unsafe fn wait(&self) {
        // SAFETY: It was registered, and the C code unregisters it once. It may wait by the contract
        // of this function.
        unsafe { kalloc_helper_unregister_nmi(self.nmi.get()) }
    }
}

/// # Safety
///
/// Only the kernel calls it, in an NMI, with what was registered with it.
unsafe extern "C" fn handle<T: Handler>(nmi: *mut kalloc_nmi) -> bool {
    // SAFETY: It is called with what was registered with it, which is in an `Inner<T>` that lives
    // until it has been unregistered.
    let inner = unsafe { &*container_of!(Opaque::cast_from(nmi), Inner<T>, nmi) };
    // SAFETY: As above.
    if unsafe { reap::is_closed(inner) } {
        return false;
    }
    // SAFETY: This runs in an NMI, and no other token is in reach.
    inner.data.handle(&mut unsafe { Nmi::assume() })
}

impl<T: Handler> Registration<T> {
    /// Registers a handler, wraps `register_nmi_handler()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `data` returns.
    pub fn new<C, E>(cx: &C, nmis: Type, data: impl PinInit<T, E>) -> Result<Self>
    where
        C: Sleep,
        Error: From<E>,
    {
        Ok(Self(Owned::new(
            cx,
            try_pin_init!(Inner {
                data <- data,
                nmi <- Opaque::try_ffi_init(|nmi| {
                    // SAFETY: The rest is there, and all of it stays there until it is unregistered,
                    // since nothing that can fail follows. `handle` is for this type.
                    to_result(unsafe {
                        kalloc_helper_register_nmi(nmi, Some(handle::<T>), nmis == Type::Unknown)
                    })
                }),
            }? Error),
        )?))
    }

    /// What handles them.
    pub fn data(&self) -> &T {
        &self.0.get().get_ref().data
    }

    /// Unregisters it and waits until it does not run, wraps `unregister_nmi_handler()`.
    pub fn free<C: Sleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Handler> fmt::Debug for Registration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration")
    }
}
