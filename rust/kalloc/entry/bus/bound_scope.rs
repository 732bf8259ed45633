// SPDX-License-Identifier: GPL-2.0

//! [`BoundScope`]: the users of a driver's data, which end before the data is dropped.

use super::loan::Loan;
use crate::{
    contexts::{
        tokens::TaskCx,
        traits::MaySleep, //
    },
    devices::dma::{
        AtEnd,
        Quiesce, //
    },
    memory::boxed::KBox, //
};
use core::{
    fmt,
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    device::Device,
    error::{
        Error,
        Result, //
    },
    prelude::{
        pin_data,
        try_pin_init,
        PinInit, //
    },
    types::ForLt, //
};

/// A device that is being bound, and the users of the driver's data until the device is unbound.
///
/// A driver gets it in `Driver::start` of its bus, after probe has initialised the data. With it
/// the driver [requests interrupt lines](BoundScope::request_irq), and [lends](BoundScope::lend)
/// the data to code that may outlive the data. When the device is unbound, the bus ends all of
/// these users, after `unbind` and before it drops the data. So the users borrow the data without a
/// reference count, and a driver cannot forget to end one.
///
/// # Invariants
///
/// `users`, and then `at_end`, are dropped before `'d` ends, in process context. `dev` is the
/// device, which is bound until then.
pub struct BoundScope<'d> {
    users: Users,
    /// Dropped when no user is left; asks whether the device is idle.
    at_end: Users,
    dev: *mut bindings::device,
    // Invariant over the lifetime of the data: users could otherwise borrow the data for a shorter
    // lifetime.
    _data: PhantomData<fn(&'d ()) -> &'d ()>,
}

impl<'d> BoundScope<'d> {
    /// Drops `user` before `'d` ends.
    pub(crate) fn until_unbind<C: MaySleep, U: 'd>(
        &mut self,
        cx: &C,
        user: impl PinInit<U, Error>,
    ) -> Result {
        self.users.push(cx, user)
    }

    /// Registers `quiesce`, which is asked at unbind whether the device is idle: after `unbind` has
    /// returned and all users have ended, and before the data is dropped. It is asked about all
    /// memory first ([`MappedRange::is_all`](crate::dma::MappedRange::is_all)). If the answer is
    /// no, it is asked about each allocation that was dropped while the device might use it. Idle
    /// memory is freed. The rest is leaked, with a warning in the log.
    ///
    /// A PCI device needs no `quiesce`: kalloc disables its bus mastering. `unbind` stops the
    /// device before that.
    ///
    /// ```
    /// use kalloc::{dma::{DmaDevice, MappedRange, Quiesce}, driver::BoundScope, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// struct Card<'bound> { dma: DmaDevice<'bound>, stopped: bool }
    /// struct Stopped<'a, 'bound>(&'a Card<'bound>);
    ///
    /// impl Quiesce for Stopped<'_, '_> {
    ///     fn device(&self) -> &Device<Bound> { self.0.dma.device() }
    ///     fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool { self.0.stopped }
    /// }
    ///
    /// fn start<'d>(card: &'d Card<'_>, binding: &mut BoundScope<'d>, task: &mut TaskCx) -> Result {
    ///     binding.quiesce(task, Stopped(card))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `EINVAL` if `quiesce` is of another device than the one that is being bound, `ENOMEM` if
    /// memory is short. `quiesce` is not asked then.
    pub fn quiesce<C: MaySleep, Q: Quiesce + Send + 'd>(&mut self, cx: &C, quiesce: Q) -> Result {
        // SAFETY: Invariant of `BoundScope`: `at_end` is dropped in process context, while `dev` is
        // bound.
        let at_end = unsafe { AtEnd::new(quiesce, self.dev) };
        self.at_end.push(cx, at_end)
    }

    /// Lends the data to code that may outlive it: an open file, a work item.
    ///
    /// `F` is the type of the data as a function of its lifetimes, made by
    /// [`ForLt!`](kernel::types::ForLt!). Unbind waits for current users. Later users get an error.
    ///
    /// ```
    /// use kalloc::{driver::{BoundScope, Loan}, prelude::*};
    /// use kernel::{device::{Bound, Device}, types::ForLt};
    ///
    /// struct Card<'bound> {
    ///     dev: &'bound Device<Bound>,
    ///     number: u32,
    /// }
    ///
    /// type LentCard = Loan<ForLt!(Card<'_>)>;
    ///
    /// fn start<'d>(card: &'d Card<'_>, binding: &mut BoundScope<'d>, task: &mut TaskCx) -> Result<LentCard> {
    ///     binding.lend::<ForLt!(Card<'_>), _>(task, card)
    /// }
    ///
    /// fn later(card: &LentCard, task: &mut TaskCx) -> Result<u32> {
    ///     card.with(task, |card, _task| card.number)
    /// }
    /// ```
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    pub fn lend<'b, F: ForLt + 'static, C: MaySleep>(
        &mut self,
        cx: &C,
        data: &'d F::Of<'b>,
    ) -> Result<Loan<F>>
    where
        F::Of<'b>: Sync,
    {
        // SAFETY: `data` is `Sync` and shared for `'d`, before whose end `until_unbind` drops
        // `revoke`, in process context.
        let (loan, revoke) = unsafe { Loan::<F>::new(cx, NonNull::from(data).cast()) }?;
        self.until_unbind(cx, Ok::<_, Error>(revoke))?;
        Ok(loan)
    }
}

impl fmt::Debug for BoundScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoundScope")
    }
}

/// A list of values of any types, which drops the last one first.
///
/// # Invariants
///
/// The pointer is to the head of a [`Node`] in memory of kmalloc, which only this list owns.
struct Users(Option<NonNull<Head>>);

struct Head {
    next: Users,
    /// Frees the node of this head.
    free: unsafe fn(NonNull<Head>),
}

#[pin_data]
#[repr(C)]
struct Node<U> {
    head: Head,
    #[pin]
    user: U,
}

// SAFETY: All values in the list may be dropped on any thread: interrupt lines, loans, the data of
// a misc device (`T::Data`) and a `Quiesce`, which are both `Send`.
unsafe impl Send for Users {}
// SAFETY: A shared list gives access to nothing.
unsafe impl Sync for Users {}

impl Users {
    fn push<U, C: MaySleep>(&mut self, cx: &C, user: impl PinInit<U, Error>) -> Result {
        let node = KBox::pin_init(
            cx,
            try_pin_init!(Node {
                head: Head {
                    next: Users(None),
                    free: free::<U>,
                },
                user <- user,
            }? Error),
        )?;
        // SAFETY: The value is not moved until it is dropped in its memory.
        let node = unsafe { Pin::into_inner_unchecked(node) }.leak();
        node.head.next = Users(self.0.take());
        // INVARIANT: The box owned the memory. A node begins with its head.
        self.0 = Some(NonNull::from(node).cast());
        Ok(())
    }
}

/// # Safety
///
/// `head` is that of a `Node<U>` that the caller owns, and is not used again.
unsafe fn free<U>(head: NonNull<Head>) {
    // SAFETY: `# Safety`: `head` is that of a `Node<U>` that the caller owns. `push` leaked its
    // box.
    drop(unsafe { KBox::from_raw(head.cast::<Node<U>>().as_ptr()) });
}

impl Drop for Users {
    fn drop(&mut self) {
        let mut rest = self.0.take();
        while let Some(head) = rest {
            // SAFETY: Invariant of `Users`: `head` is that of a node that the list owned.
            rest = unsafe { (*head.as_ptr()).next.0.take() };
            // SAFETY: Invariant of `Users`: `head` is that of a node that the list owned. The rest
            // of the list was taken out of the node.
            unsafe { ((*head.as_ptr()).free)(head) };
        }
    }
}

/// The driver data of a bound device, as the driver core keeps it.
#[pin_data]
pub(crate) struct Bound<D> {
    // Dropped before the data, which the users borrow.
    _users: Users,
    // Dropped after the users.
    _at_end: Users,
    #[pin]
    data: D,
    // Not `Unpin`: the drop has `&mut Bound`, while the users still use the data by shared
    // references. The compiler takes `&mut` for the only reference, except to what is not `Unpin`.
    #[pin]
    _pin: PhantomPinned,
}

// `Bound` is not `Unpin`, whatever the data. With `Unpin` the call would be ambiguous.
const _: fn() = {
    trait OneIfPinned<A> {
        fn one() {}
    }
    impl<T> OneIfPinned<()> for T {}
    impl<T: Unpin> OneIfPinned<u8> for T {}
    <Bound<()> as OneIfPinned<_>>::one
};

impl<D> Bound<D> {
    /// An initialiser of the data, and then of the users that `bound` starts.
    ///
    /// # Safety
    ///
    /// The initialiser runs in process context. `data` has the only token there and does not keep
    /// it. The result is dropped in process context.
    pub(crate) unsafe fn new(
        dev: &Device,
        data: impl PinInit<D, Error>,
        bound: impl for<'d> FnOnce(Pin<&'d D>, &mut BoundScope<'d>, &mut TaskCx) -> Result,
    ) -> impl PinInit<Self, Error> {
        // CAST: `Device` is transparent over `struct device`.
        let dev = core::ptr::from_ref(dev).cast_mut().cast();
        try_pin_init!(&this in Self {
            data <- data,
            _pin: PhantomPinned,
            _at_end: Users(None),
            _users: {
                // SAFETY: `data` was initialised above.
                let data = unsafe { &(*this.as_ptr()).data };
                // SAFETY: The data is not moved until it is dropped.
                let data = unsafe { Pin::new_unchecked(data) };
                let mut binding = BoundScope {
                    users: Users(None),
                    at_end: Users(None),
                    dev,
                    _data: PhantomData,
                };
                // SAFETY: `# Safety`: this is process context, and the token of `data` has ended.
                bound(data, &mut binding, &mut unsafe { TaskCx::assume() })?;
                *_at_end = binding.at_end;
                binding.users
            },
        })
    }

    /// The driver's data.
    pub(crate) fn data(self: Pin<&Self>) -> Pin<&D> {
        // SAFETY: `data` is structurally pinned.
        unsafe { self.map_unchecked(|bound| &bound.data) }
    }
}
