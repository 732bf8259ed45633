// SPDX-License-Identifier: GPL-2.0

//! NMI handlers, which get an [`NmiCx`]. x86 only: on other architectures drivers cannot have one,
//! and [`Registration::new`] does not compile.
//!
//! C header: [`arch/x86/include/asm/nmi.h`](srctree/arch/x86/include/asm/nmi.h)
//!
//! The page [Interrupts, timers and NMIs](pages/interrupts.html) says more.
//!
//! In an NMI no allocator works and no memory may be freed. The handler's data is [`NmiSafe`]: for
//! example atomics, an [`ObjPool`](crate::objpool::ObjPool), and an
//! [`IrqWork`](crate::irq_work::IrqWork), which continues in a less strict context.

use crate::{
    arch::nmi::{
        self,
        HasNmis, //
    },
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
use kernel::{
    error::{
        to_result,
        Error,
        Result, //
    },
    prelude::PinInit, //
};

/// The NMIs that a handler is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// All NMIs of a CPU, `NMI_LOCAL`.
    Local,
    /// NMIs that no other handler has handled, `NMI_UNKNOWN`.
    Unknown,
}

/// A handler of NMIs.
pub trait Handler: NmiSafe + Send + Sync + 'static {
    /// Handles an NMI, and returns whether the NMI was for this handler. Runs on several CPUs at
    /// once if several get an NMI.
    ///
    /// # Context
    ///
    /// NMI.
    fn handle(&self, cx: &mut NmiCx<'_>) -> bool;
}

/// A registered NMI handler, in memory of kmalloc.
///
/// The kernel's handlers have no data, so kalloc registers one handler of each type, and its own
/// handlers share it.
///
/// It may be dropped wherever a driver can own it, which excludes NMI handlers. The handler may
/// still run until the value is dropped, later, in process context.
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

// SAFETY: `nmi::unregister()` removes the entry from the list and waits for a grace
// period. After that no handler uses the entry.
unsafe impl ObjectKind for Nmis {
    type Raw = nmi::Nmi;

    // Removing the handler from the list may sleep, so `wait` does it.
    unsafe fn stop(_nmi: *mut nmi::Nmi) {}

    unsafe fn wait(nmi: *mut nmi::Nmi) {
        // SAFETY: `# Safety`: `nmi` was registered, and the caller may sleep. The C code
        // unregisters it once.
        unsafe { nmi::unregister(nmi) }
    }
}

/// # Safety
///
/// Only the kernel calls it, in an NMI, with the `nmi` that was registered with it.
unsafe extern "C" fn handle<T: Handler>(nmi: *mut nmi::Nmi) -> bool {
    // SAFETY: `# Safety`: `new` registered `nmi`. Before the object is in a `CallbackBox` its other
    // fields are initialised: `raw` is the last.
    match unsafe { KernelObject::<Nmis, T>::enter(nmi) } {
        // SAFETY: `# Safety`: the kernel calls this function in an NMI. The handler can reach no
        // other token.
        Some(callback) => callback.data().handle(&mut unsafe { NmiCx::assume() }),
        None => false,
    }
}

impl<T: Handler> Registration<T> {
    /// Registers a handler; wraps `register_nmi_handler()`.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if memory is short, `EBUSY` if the module is ending, and the error of `data`.
    #[doc(alias = "register_nmi_handler")]
    pub fn new<C, E>(cx: &C, nmis: Type, data: impl PinInit<T, E>) -> Result<Self>
    where
        C: MaySleep + HasNmis,
        Error: From<E>,
    {
        let set_up = |raw| {
            let unknown = nmis == Type::Unknown;
            // SAFETY: The other fields are initialised, and the object lives until it is
            // unregistered, since no step that can fail follows.
            to_result(unsafe { nmi::register(raw, Some(handle::<T>), unknown) })
        };
        // SAFETY: `set_up` initialises the object or fails, and `handle` is for this type.
        let callback = unsafe { KernelObject::new(data, set_up) };
        Ok(Self(CallbackBox::new(cx, callback)?))
    }

    /// The handler.
    pub fn data(&self) -> &T {
        self.0.get().get_ref().data()
    }

    /// Unregisters the handler and waits until it does not run; wraps `unregister_nmi_handler()`.
    ///
    /// # Context
    ///
    /// Process context. Sleeps.
    #[doc(alias = "unregister_nmi_handler")]
    pub fn free<C: MaySleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: Handler> fmt::Debug for Registration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration")
    }
}
