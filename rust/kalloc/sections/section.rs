// SPDX-License-Identifier: GPL-2.0

//! Sections of code: how each is entered, the closure form, and the guard form
//! [`section!`](crate::section!).

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
/// After [`Enter::enter`] in the context `C`, the code may do what [`Enter::Cx`] permits until the
/// guard is dropped.
pub unsafe trait Enter<C: ?Sized> {
    /// The guard, which ends the section when dropped.
    type Guard;

    /// The token of the section.
    type Cx<'x>: Token;

    /// Enters the section.
    ///
    /// # Safety
    ///
    /// The code is in the context `C`, and does not use the token of `C` before the guard is
    /// dropped. The guard is dropped on this thread, after the guards of all sections entered
    /// later.
    unsafe fn enter(self) -> Self::Guard;
}

/// The token of a section, for as long as the section is borrowed.
///
/// # Safety
///
/// As [`Token::token`], for `'x`.
#[inline(always)]
unsafe fn token<'x, K: Token>() -> &'x mut K {
    const { assert!(size_of::<K>() == 0) };
    // SAFETY: `# Safety`: the code may have the token for `'x`. The token has size 0, so every
    // aligned pointer is valid for it.
    unsafe { NonNull::dangling().as_mut() }
}

/// The closure form of each section.
#[inline(always)]
pub(crate) fn within<C: ?Sized, E: Enter<C>, R>(
    _around: &mut C,
    how: E,
    f: impl for<'x> FnOnce(&mut E::Guard, &mut E::Cx<'x>) -> R,
) -> R {
    // SAFETY: `_around`, the token of `C`, is borrowed until this function returns. The guard is
    // dropped here, and the sections that `f` enters have ended when `f` returns.
    let mut guard = unsafe { how.enter() };
    // SAFETY: The code is in the section until `f` returns, and `f` cannot keep the token.
    f(&mut guard, unsafe { token() })
}

/// The storage of a section that [`section!`](crate::section!) enters.
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
    /// The result initialises a local variable and is not moved out of it. At the end of the
    /// variable's scope the result is dropped, after all sections entered later. [`Slot::section`]
    /// is called once.
    #[inline(always)]
    pub unsafe fn new(around: &'c mut C, how: E) -> Self {
        // INVARIANT: `enter` enters the section.
        Self {
            around,
            // SAFETY: `around`, the token of `C`, is borrowed for `'c`. `# Safety`: the result is
            // dropped on this thread, after all sections entered later.
            guard: Some(unsafe { how.enter() }),
        }
    }

    /// The driver's reference to the section.
    #[inline(always)]
    pub fn section(&mut self) -> Section<'_, 'c, C, E> {
        // INVARIANT: Only the result can end the section before the slot is dropped.
        Section(self)
    }
}

impl<C: ?Sized, E: Enter<C>> Drop for Slot<'_, C, E> {
    // Without this `Drop` the borrow of the outer token would end at the last use of the section,
    // before the guard is dropped.
    #[inline(always)]
    fn drop(&mut self) {}
}

impl<C: ?Sized, E: Enter<C>> fmt::Debug for Slot<'_, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

/// A section of code, entered by [`section!`](crate::section!). It ends at the end of the
/// variable's scope.
///
/// The section of a lock dereferences to the data. [`Section::cx`] is the section's token.
///
/// The variable is a reference. The section itself is in a second variable that the driver cannot
/// name, so forgetting or leaking the reference does not affect the end of the section.
///
/// # Invariants
///
/// The section has not ended: `guard` is `Some`.
pub struct Section<'s, 'c, C: ?Sized, E: Enter<C>>(&'s mut Slot<'c, C, E>);

impl<'s, C: ?Sized, E: Enter<C>> Section<'s, '_, C, E> {
    #[inline(always)]
    fn guard(&self) -> &E::Guard {
        // SAFETY: Invariant of `Section`: `guard` is `Some`.
        unsafe { self.0.guard.as_ref().unwrap_unchecked() }
    }

    #[inline(always)]
    fn guard_mut(&mut self) -> &mut E::Guard {
        // SAFETY: Invariant of `Section`: `guard` is `Some`.
        unsafe { self.0.guard.as_mut().unwrap_unchecked() }
    }

    /// The token of the section.
    #[inline(always)]
    pub fn cx(&mut self) -> &mut E::Cx<'_> {
        // SAFETY: Invariant of `Section`: the section has not ended, and cannot end while it is
        // borrowed. The outer token is borrowed too.
        unsafe { token() }
    }

    /// The data and the token, borrowed together.
    #[inline(always)]
    pub fn split(&mut self) -> (<E::Guard as Data>::Of<'_>, &mut E::Cx<'_>)
    where
        E::Guard: Data,
    {
        // SAFETY: As in `cx`: the section has not ended, and is borrowed.
        (Data::data(self.guard_mut()), unsafe { token() })
    }

    /// As [`Section::split`], for pinned data.
    #[inline(always)]
    pub fn split_pin(&mut self) -> (Pin<&mut <E::Guard as Pinned>::Of>, &mut E::Cx<'_>)
    where
        E::Guard: Pinned,
    {
        // SAFETY: As in `cx`: the section has not ended, and is borrowed.
        (Pinned::data(self.guard_mut()), unsafe { token() })
    }

    /// Ends the section now, and returns the outer token, for the rest of the scope.
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

/// Guards that give access to data, or are a proof.
pub trait Data {
    /// The reference.
    type Of<'x>
    where
        Self: 'x;

    /// The data.
    fn data(&mut self) -> Self::Of<'_>;
}

/// Guards that give access to pinned data.
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

/// Enters a section until the end of the scope. This is the guard form, for code that does not fit
/// in a closure.
///
/// `section!(NAME = TOKEN, HOW);` declares the variable `NAME`, a
/// [`Section`](crate::sync::Section). `TOKEN` is `&mut` of the outer token, which is borrowed until
/// the end of the scope, or until [`NAME.end()`](crate::sync::Section::end) returns it. (Dropping
/// `NAME` does not end the section.)
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
/// The variable is a reference to the section. The driver cannot name the section itself, so it
/// cannot forget the section or move it to a place where it is not dropped. A section in an `async`
/// block that is polled once and then leaked never ends.
#[macro_export]
macro_rules! section {
    ($name:ident = $around:expr, $how:ident($($lock:expr)?)) => {
        let around: &mut _ = $around;
        let how = $crate::__macro::enter::$how($($lock)?);
        // SAFETY: The slot is in a local variable that only this macro can name, so it is not moved
        // out. Variables are dropped in reverse order of their declaration.
        let mut slot = unsafe { $crate::__macro::Slot::new(around, how) };
        #[allow(unused_mut)]
        let mut $name = $crate::__macro::Slot::section(&mut slot);
    };
}
