// SPDX-License-Identifier: GPL-2.0

//! The handlers of the kernel crate are `'static`, and get the device, until 7.3. So it gets an
//! address and the functions for it.

use core::marker::PhantomPinned;
use kernel::{
    device::{
        Bound,
        Device, //
    },
    irq::{
        self,
        IrqRequest,
        IrqReturn,
        ThreadedIrqReturn, //
    },
    prelude::*,
    str::CStr, //
};

/// The hard handler of a line.
pub(crate) trait HardHandler: Sync {
    fn handle(&self) -> IrqReturn;
}

/// The hard handler and the thread of a line.
pub(crate) trait HandlerWithThread: Sync {
    fn handle(&self) -> ThreadedIrqReturn;
    fn handle_threaded(&self) -> IrqReturn;
}

/// # Invariants
///
/// `data` is valid for the functions while the registration of the handler lives.
pub(crate) struct Erased {
    data: *const (),
    handle: unsafe fn(*const ()) -> IrqReturn,
}

// SAFETY: `data` is of a type that is `Sync`.
unsafe impl Send for Erased {}
// SAFETY: `data` is of a type that is `Sync`.
unsafe impl Sync for Erased {}

impl irq::Handler for Erased {
    #[inline]
    fn handle(&self, _dev: &Device<Bound>) -> IrqReturn {
        // SAFETY: Invariant of `Erased`: the registration that calls this lives.
        unsafe { (self.handle)(self.data) }
    }
}

/// # Invariants
///
/// `data` is valid for the functions while the registration of the handler lives.
pub(crate) struct ErasedWithThread {
    data: *const (),
    handle: unsafe fn(*const ()) -> ThreadedIrqReturn,
    handle_threaded: unsafe fn(*const ()) -> IrqReturn,
}

// SAFETY: `data` is of a type that is `Sync`.
unsafe impl Send for ErasedWithThread {}
// SAFETY: `data` is of a type that is `Sync`.
unsafe impl Sync for ErasedWithThread {}

impl irq::ThreadedHandler for ErasedWithThread {
    #[inline]
    fn handle(&self, _dev: &Device<Bound>) -> ThreadedIrqReturn {
        // SAFETY: Invariant of `ErasedWithThread`: the registration that calls this lives.
        unsafe { (self.handle)(self.data) }
    }

    #[inline]
    fn handle_threaded(&self, _dev: &Device<Bound>) -> IrqReturn {
        // SAFETY: Invariant of `ErasedWithThread`: the registration that calls this lives.
        unsafe { (self.handle_threaded)(self.data) }
    }
}

/// A registration with its handler.
#[pin_data]
pub(crate) struct Line<R, H> {
    // Dropped before the handler.
    #[pin]
    registration: R,
    handler: H,
    #[pin]
    pinned: PhantomPinned,
}

/// # Safety
///
/// `data` is the address of a valid `H`.
unsafe fn of<'a, H>(data: *const ()) -> &'a H {
    // SAFETY: As for the caller.
    unsafe { &*data.cast() }
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
) -> impl PinInit<Line<irq::Registration<Erased>, H>, Error> + 'a {
    try_pin_init!(&this in Line {
        handler,
        pinned: PhantomPinned,
        registration <- {
            // INVARIANT: The handler is initialised, does not move, and is dropped after the
            // registration, before `'a` ends.
            let erased: Result<_> = Ok(Erased {
                // SAFETY: `this` is the memory of this value.
                data: unsafe { &raw const (*this.as_ptr()).handler }.cast(),
                // SAFETY: Invariant of `Erased`.
                handle: |data| unsafe { of::<H>(data) }.handle(),
            });
            irq::Registration::new(line, flags, name, erased)
        },
    })
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
) -> impl PinInit<Line<irq::ThreadedRegistration<ErasedWithThread>, H>, Error> + 'a {
    try_pin_init!(&this in Line {
        handler,
        pinned: PhantomPinned,
        registration <- {
            // INVARIANT: As in `request_irq`.
            let erased: Result<_> = Ok(ErasedWithThread {
                // SAFETY: `this` is the memory of this value.
                data: unsafe { &raw const (*this.as_ptr()).handler }.cast(),
                // SAFETY: Invariant of `ErasedWithThread`.
                handle: |data| unsafe { of::<H>(data) }.handle(),
                // SAFETY: Invariant of `ErasedWithThread`.
                handle_threaded: |data| unsafe { of::<H>(data) }.handle_threaded(),
            });
            irq::ThreadedRegistration::new(line, flags, name, erased)
        },
    })
}
