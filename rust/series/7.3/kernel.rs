// SPDX-License-Identifier: GPL-2.0

//! What kalloc uses of the kernel crate of Linux 7.3 and other series have in another form.

use kernel::{
    error::{
        Error,
        Result, //
    },
    irq::{
        self,
        IrqRequest,
        IrqReturn,
        ThreadedIrqReturn, //
    },
    prelude::PinInit,
    str::CStr, //
};

#[cfg(CONFIG_PCI)]
mod irq_vectors;
#[cfg(CONFIG_PCI)]
pub(crate) use irq_vectors::*;

pub(crate) use kernel::{
    bindings::kvfree_rcu_head,
    sync::{
        self,
        lock::spinlock::SpinLockIrqBackend,
        rcu::{
            rcu_barrier,
            synchronize_rcu, //
        },
        SpinLockIrq,
    }, //
};
pub(crate) use pin_init::{
    raw_init,
    raw_try_init, //
};

/// The kernel crate's module, and its accessors of the memory.
pub(crate) mod dma {
    pub use kernel::{
        dma::*,
        io::{
            io_project,
            io_read,
            io_write,
            Io, //
        }, //
    };
}

/// The kernel crate's accessors of memory that a device shares.
pub(crate) mod io {
    pub(crate) use kernel::io::{
        IoBackend,
        IoBase,
        IoCapable,
        IoCopyable,
        SysMem,
        SysMemBackend, //
    };
}

/// What the kernel crate's `probe` gets of the entry in the table of devices.
pub(crate) mod pci {
    pub(crate) type IdInfo<'a, T> = Option<&'a T>;

    #[inline(always)]
    pub(crate) fn id_info<T>(info: IdInfo<'_, T>) -> Option<&T> {
        info
    }
}
pub(crate) use pci as platform;

/// The constants of a `kernel::ModuleMetadata` that are those of another type.
#[doc(hidden)]
#[macro_export]
macro_rules! __module_metadata {
    ($of:ty) => {
        const NAME: &'static $crate::__macro::core::ffi::CStr =
            <$of as $crate::__macro::kernel::ModuleMetadata>::NAME;
        const THIS_MODULE: $crate::__macro::kernel::ThisModule =
            <$of as $crate::__macro::kernel::ModuleMetadata>::THIS_MODULE;
    };
}

/// Implements the types of `kernel::miscdevice::MiscDevice` for the driver's `$device`.
macro_rules! misc_device_types {
    ($device:ident) => {
        type Ptr = $device::Ptr;
        type OwnerModule = $device::OwnerModule;
    };
}
pub(crate) use misc_device_types;

/// The hard handler of a line.
pub(crate) trait HardHandler: Sync {
    fn handle(&self) -> IrqReturn;
}

/// The hard handler and the thread of a line.
pub(crate) trait HandlerWithThread: Sync {
    fn handle(&self) -> ThreadedIrqReturn;
    fn handle_threaded(&self) -> IrqReturn;
}

/// A handler of the kernel crate.
pub(crate) struct Adapter<H>(H);

impl<H: HardHandler> irq::Handler for Adapter<H> {
    #[inline]
    fn handle(&self) -> IrqReturn {
        self.0.handle()
    }
}

impl<H: HandlerWithThread> irq::ThreadedHandler for Adapter<H> {
    #[inline]
    fn handle(&self) -> ThreadedIrqReturn {
        self.0.handle()
    }

    #[inline]
    fn handle_threaded(&self) -> IrqReturn {
        self.0.handle_threaded()
    }
}

/// Requests a line; wraps `request_irq()`.
///
/// # Safety
///
/// The registration is dropped before `'a` ends.
#[inline]
pub(crate) unsafe fn request_irq<'a, H: HardHandler + 'a>(
    line: IrqRequest<'a>,
    flags: irq::Flags,
    name: &'static CStr,
    handler: H,
) -> impl PinInit<irq::Registration<'a, Adapter<H>>, Error> + 'a {
    let handler: Result<_> = Ok(Adapter(handler));
    // SAFETY: `# Safety`: the registration is dropped.
    unsafe { irq::Registration::new(line, flags, name, handler) }
}

/// Requests a line with a thread; wraps `request_threaded_irq()`.
///
/// # Safety
///
/// The registration is dropped before `'a` ends.
#[inline]
pub(crate) unsafe fn request_threaded_irq<'a, H: HandlerWithThread + 'a>(
    line: IrqRequest<'a>,
    flags: irq::Flags,
    name: &'static CStr,
    handler: H,
) -> impl PinInit<irq::ThreadedRegistration<'a, Adapter<H>>, Error> + 'a {
    let handler: Result<_> = Ok(Adapter(handler));
    // SAFETY: `# Safety`: the registration is dropped.
    unsafe { irq::ThreadedRegistration::new(line, flags, name, handler) }
}
