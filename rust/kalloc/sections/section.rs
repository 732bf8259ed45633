// SPDX-License-Identifier: GPL-2.0

//! Sections of code: how each is entered, the closure form, and [`section!`](crate::section!).

use crate::contexts::traits::Token;
use core::{
    fmt,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
    ptr::NonNull, //
};
use kernel::sync::lock::{
    Backend,
    Guard, //
};

/// A way to enter a section from the context `C`.
///
/// # Safety
///
/// Entered in the context `C`, the code may do what [`Enter::Cx`] permits until the guard is
/// dropped.
pub unsafe trait Enter<C: ?Sized> {
    /// Ends the section when it is dropped.
    type Guard;

    /// The token of the section.
    type Cx<'x>: Token;

    /// Enters the section.
    ///
    /// # Safety
    ///
    /// The code is in the context `C`, whose token it does not use before the guard is dropped. The
    /// guard is dropped on this thread, after those of all sections that are entered later.
    unsafe fn enter(self) -> Self::Guard;
}

/// The token of a section, for as long as that is borrowed.
///
/// # Safety
///
/// As [`Token::token`], for `'x`.
#[inline(always)]
unsafe fn token<'x, K: Token>() -> &'x mut K {
    const { assert!(size_of::<K>() == 0) };
    // SAFETY: By the contract of this function there may be a token, which has no size: every
    // pointer that is aligned is to one.
    unsafe { NonNull::dangling().as_mut() }
}

/// The closure form of each section.
#[inline(always)]
pub(crate) fn within<C: ?Sized, E: Enter<C>, R>(
    _around: &mut C,
    how: E,
    f: impl for<'x> FnOnce(&mut E::Guard, &mut E::Cx<'x>) -> R,
) -> R {
    // SAFETY: The token of the context is borrowed until this returns. The guard is dropped here,
    // and what `f` enters has ended when `f` returns.
    let mut guard = unsafe { how.enter() };
    // SAFETY: The code is in the section until `f` returns, and cannot keep the token.
    f(&mut guard, unsafe { token() })
}

/// Where [`section!`](crate::section!) keeps a section.
///
/// # Invariants
///
/// The code is in the section while `guard` is `Some`.
#[doc(hidden)]
pub struct Slot<'c, C: ?Sized, E: Enter<C>> {
    around: &'c mut C,
    guard: Option<E::Guard>,
}

impl<'c, C: ?Sized, E: Enter<C>> Slot<'c, C, E> {
    /// Enters a section.
    ///
    /// # Safety
    ///
    /// The result initialises a local variable, and does not leave it: at the end of its scope it
    /// is dropped, after all sections that are entered later. [`Slot::section`] is called once.
    #[inline(always)]
    pub unsafe fn new(around: &'c mut C, how: E) -> Self {
        // INVARIANT: Just entered.
        Self {
            around,
            // SAFETY: A `C` is the token of the context, which is borrowed for `'c`. The rest is the
            // contract of this function.
            guard: Some(unsafe { how.enter() }),
        }
    }

    /// What the driver has of it.
    #[inline(always)]
    pub fn section(&mut self) -> Section<'_, 'c, C, E> {
        // INVARIANT: Nothing but the result ends the section before this is dropped.
        Section(self)
    }
}

impl<C: ?Sized, E: Enter<C>> Drop for Slot<'_, C, E> {
    // Without it the borrow of the token around would end at the last use of the section, before the
    // guard is dropped.
    #[inline(always)]
    fn drop(&mut self) {}
}

impl<C: ?Sized, E: Enter<C>> fmt::Debug for Slot<'_, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

/// A section of code, entered by [`section!`](crate::section!), which ends with the scope of the
/// variable.
///
/// Of a lock it gives the data. The token of the section is [`Section::cx`].
///
/// The variable has a reference, and the section itself is in another one that has no name: so to
/// forget or to leak the reference ends nothing early.
///
/// # Invariants
///
/// The section has not ended: `guard` is `Some`.
pub struct Section<'s, 'c, C: ?Sized, E: Enter<C>>(&'s mut Slot<'c, C, E>);

impl<'s, C: ?Sized, E: Enter<C>> Section<'s, '_, C, E> {
    #[inline(always)]
    fn guard(&self) -> &E::Guard {
        // SAFETY: By the invariant.
        unsafe { self.0.guard.as_ref().unwrap_unchecked() }
    }

    #[inline(always)]
    fn guard_mut(&mut self) -> &mut E::Guard {
        // SAFETY: By the invariant.
        unsafe { self.0.guard.as_mut().unwrap_unchecked() }
    }

    /// The token of the section.
    #[inline(always)]
    pub fn cx(&mut self) -> &mut E::Cx<'_> {
        // SAFETY: By the invariant the code is in the section, and does not leave it while this is
        // borrowed. The token of the context around is borrowed.
        unsafe { token() }
    }

    /// The data and the token, both at once.
    #[inline(always)]
    pub fn split(&mut self) -> (<E::Guard as Data>::Of<'_>, &mut E::Cx<'_>)
    where
        E::Guard: Data,
    {
        // SAFETY: As in `cx`.
        (Data::data(self.guard_mut()), unsafe { token() })
    }

    /// As [`Section::split`], for data that must not be moved.
    #[inline(always)]
    pub fn split_pin(&mut self) -> (Pin<&mut <E::Guard as Pinned>::Of>, &mut E::Cx<'_>)
    where
        E::Guard: Pinned,
    {
        // SAFETY: As in `cx`.
        (Pinned::data(self.guard_mut()), unsafe { token() })
    }

    /// Ends the section now, and gives the token of the context around back, for the rest of the
    /// scope.
    #[inline(always)]
    pub fn end(self) -> &'s mut C {
        self.0.guard = None;
        self.0.around
    }
}

impl<C: ?Sized, E: Enter<C>> Deref for Section<'_, '_, C, E>
where
    E::Guard: Deref,
{
    type Target = <E::Guard as Deref>::Target;
    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        self.guard()
    }
}

impl<C: ?Sized, E: Enter<C>> DerefMut for Section<'_, '_, C, E>
where
    E::Guard: DerefMut,
{
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.guard_mut()
    }
}

impl<C: ?Sized, E: Enter<C>> fmt::Debug for Section<'_, '_, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Section")
    }
}

/// Guards that give data, or evidence.
pub trait Data {
    /// A reference to it.
    type Of<'x>
    where
        Self: 'x;

    /// The data.
    fn data(&mut self) -> Self::Of<'_>;
}

/// Guards that give data that must not be moved.
pub trait Pinned {
    /// The data.
    type Of: ?Sized;

    /// The data.
    fn data(&mut self) -> Pin<&mut Self::Of>;
}

impl<T: ?Sized + Unpin, B: Backend> Data for Guard<'_, T, B> {
    type Of<'x>
        = &'x mut T
    where
        Self: 'x;
    #[inline(always)]
    fn data(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized, B: Backend> Pinned for Guard<'_, T, B> {
    type Of = T;
    #[inline(always)]
    fn data(&mut self) -> Pin<&mut T> {
        self.as_mut()
    }
}

/// Enters a section until the end of the scope: the guard form, for code that a closure does not fit.
///
/// `section!(NAME = TOKEN, HOW);` declares the variable `NAME`, a [`Section`](crate::sync::Section).
/// `TOKEN` is `&mut` of the token of the context around, which is borrowed until the end of the scope,
/// or until [`NAME.end()`](crate::sync::Section::end) gives it back. (To drop `NAME` ends nothing.)
///
/// | `HOW` | C | closure form |
/// | --- | --- | --- |
/// | `lock(&lock)` | `spin_lock()` | [`LockExt::locked`](crate::sync::LockExt::locked) |
/// | `lock_irq(&lock)` | `spin_lock_irqsave()` | [`LockExt::locked_irq`](crate::sync::LockExt::locked_irq) |
/// | `read_lock(&lock)` | `read_lock()` | [`LockExt::read_locked`](crate::sync::LockExt::read_locked) |
/// | `write_lock(&lock)` | `write_lock()` | [`LockExt::write_locked`](crate::sync::LockExt::write_locked) |
/// | `raw_lock(&lock)` | `raw_spin_lock()` | [`RawLockExt::raw_locked`](crate::sync::RawLockExt::raw_locked) |
/// | `raw_lock_irq(&lock)` | `raw_spin_lock_irqsave()` | [`RawLockExt::raw_locked_irq`](crate::sync::RawLockExt::raw_locked_irq) |
/// | `rcu_read_lock()` | `rcu_read_lock()` | [`RcuReadExt::rcu_read`](crate::sync::RcuReadExt::rcu_read) |
/// | `local_bh_disable()` | `local_bh_disable()` | [`DisableBhExt::bh_off`](crate::irq::DisableBhExt::bh_off) |
/// | `local_irq_save()` | `local_irq_save()` | [`DisableExt::irqs_off`](crate::irq::DisableExt::irqs_off) |
/// | `preempt_disable()` | `preempt_disable()` | [`DisableExt::preempt_off`](crate::irq::DisableExt::preempt_off) |
/// | `memalloc_nofs_save()` | `memalloc_nofs_save()` | [`ScopeExt::nofs`](crate::scope::ScopeExt::nofs) |
/// | `memalloc_noio_save()` | `memalloc_noio_save()` | [`ScopeExt::noio`](crate::scope::ScopeExt::noio) |
/// | `memalloc_noreclaim_save()` | `memalloc_noreclaim_save()` | [`ScopeExt::noreclaim`](crate::scope::ScopeExt::noreclaim) |
///
/// ```
/// use kalloc::prelude::*;
/// use kernel::sync::SpinLock;
///
/// fn push(task: &mut TaskCx, list: &SpinLock<Option<KBox<u32>>>) -> Result {
///     section!(head = task, lock(list));
///     let (data, cx) = head.split();
///     *data = Some(KBox::new(&cx, 1)?);
///
///     let task = head.end();
///     let _sleeps = KBox::new(&task, 2)?;
///     Ok(())
/// }
/// ```
///
/// The variable has a reference to the section, which itself has no name: nobody can forget it or
/// move it to where it is not dropped. In an `async` block that is polled once and leaked it stays
/// entered for ever, as every value there does.
#[macro_export]
macro_rules! section {
    ($name:ident = $around:expr, $how:ident($($lock:expr)?)) => {
        let around: &mut _ = $around;
        let how = $crate::__macro::enter::$how($($lock)?);
        // SAFETY: The section is in a local variable whose name is this macro's own, so that it does
        // not leave that. Variables are dropped in the reverse of the order of their declaration.
        let mut slot = unsafe { $crate::__macro::Slot::new(around, how) };
        #[allow(unused_mut)]
        let mut $name = $crate::__macro::Slot::section(&mut slot);
    };
}
