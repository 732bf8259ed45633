// SPDX-License-Identifier: GPL-2.0

//! The ways to enter a section, as [`section!`](crate::section!) takes them.

#![doc(hidden)]

use crate::{
    contexts::{
        tokens::NoReclaimCx,
        traits::{
            Context,
            IrqsOn,
            MayAlloc,
            MaySleep,
            NotNmi, //
        },
    },
    sections::{
        guards::*,
        raw_spinlock::*,
        rwlock::{
            ReadGuard,
            RwLock,
            WriteGuard, //
        },
        section::Enter,
        spinlock::{
            direct,
            DirectSpinLockBackend, //
        },
    },
    series::{SpinLockIrq, SpinLockIrqBackend}, //
};
use kernel::sync::{
    lock::Guard,
    SpinLock, //
};

macro_rules! locks {
    ($(
        $name:ident, $type:ident($lock:ident), $bound:ident => $cx:ident, $guard:ty, $enter:expr;
    )*) => {$(
        #[doc = concat!("`", stringify!($name), "()`.")]
        #[allow(missing_debug_implementations)]
        pub struct $type<'l, T: ?Sized>(&'l $lock<T>);

        #[doc = concat!("`", stringify!($name), "()`.")]
        #[inline(always)]
        pub fn $name<T: ?Sized>(lock: &$lock<T>) -> $type<'_, T> {
            $type(lock)
        }

        // SAFETY: With the lock held, the code may do what the token `C::$cx` permits.
        unsafe impl<'l, C: $bound + ?Sized, T: ?Sized> Enter<C> for $type<'l, T> {
            type Guard = $guard;
            type Cx<'x> = C::$cx<'x>;
            #[inline(always)]
            unsafe fn enter(self) -> $guard {
                let enter: fn(&'l $lock<T>) -> $guard = $enter;
                enter(self.0)
            }
        }
    )*};
}

locks! {
    lock, BySpinLock(SpinLock), MayAlloc => Locked, Guard<'l, T, DirectSpinLockBackend>,
        |lock| direct(lock).lock();
    lock_irq, BySpinLockIrq(SpinLockIrq), MayAlloc => LockedIrq, Guard<'l, T, SpinLockIrqBackend>,
        |lock| lock.lock();
    read_lock, ByReadLock(RwLock), MayAlloc => Locked, ReadGuard<'l, T>, RwLock::read;
    write_lock, ByWriteLock(RwLock), MayAlloc => Locked, WriteGuard<'l, T>, RwLock::write;
    raw_lock, ByRawSpinLock(RawSpinLock), NotNmi => RawCx, RawSpinLockGuard<'l, T>, RawSpinLock::guard;
    raw_lock_irq, ByRawSpinLockIrq(RawSpinLockIrq), NotNmi => RawCx, RawSpinLockIrqGuard<'l, T>,
        RawSpinLockIrq::guard;
}

macro_rules! states {
    ($($name:ident, $type:ident, $bound:ident => $cx:ty, $guard:ty, $enter:expr;)*) => {$(
        #[doc = concat!("`", stringify!($name), "()`.")]
        #[derive(Debug)]
        pub struct $type;

        #[doc = concat!("`", stringify!($name), "()`.")]
        #[inline(always)]
        pub fn $name() -> $type {
            $type
        }

        // SAFETY: In the section, the code may do what the token `$cx` permits.
        unsafe impl<C: $bound + ?Sized> Enter<C> for $type {
            type Guard = $guard;
            type Cx<'x> = $cx;
            #[inline(always)]
            unsafe fn enter(self) -> $guard {
                // SAFETY: `# Safety` of `enter`: the guard is dropped before those of the sections
                // around. The context is a `$bound`, which may enter the section.
                unsafe { $enter() }
            }
        }
    )*};
}

states! {
    local_bh_disable, ByBhOff, IrqsOn => C::BhOff<'x>, BhGuard, BhGuard::new;
    local_irq_save, ByIrqsOff, Context => C::RawCx<'x>, IrqGuard, IrqGuard::new;
    preempt_disable, ByPreemptOff, Context => C::RawCx<'x>, PreemptGuard, PreemptGuard::new;
    memalloc_nofs_save, ByNoFs, MaySleep => C::NoFsCx<'x>, NoFsGuard, NoFsGuard::new;
    memalloc_noio_save, ByNoIo, MaySleep => C::NoIoCx<'x>, NoIoGuard, NoIoGuard::new;
    memalloc_noreclaim_save, ByNoReclaim, MaySleep => NoReclaimCx<'x>, NoReclaimGuard, NoReclaimGuard::new;
}

/// `rcu_read_lock()`.
#[derive(Debug)]
pub struct ByRcu;

/// `rcu_read_lock()`.
#[inline(always)]
pub fn rcu_read_lock() -> ByRcu {
    ByRcu
}

// SAFETY: On the RCU read side the code must not sleep, and may otherwise do what it might before.
unsafe impl<C: Context + ?Sized> Enter<C> for ByRcu {
    type Guard = ReadSide;
    type Cx<'x> = C::AtomicCx<'x>;
    #[inline(always)]
    unsafe fn enter(self) -> ReadSide {
        // SAFETY: `# Safety` of `enter`: the guard is dropped on this thread, and until then the
        // outer token is not used. The section's token does not permit sleeping.
        unsafe { ReadSide::new() }
    }
}
