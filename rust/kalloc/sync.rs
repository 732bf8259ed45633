// SPDX-License-Identifier: GPL-2.0

//! Locks, the RCU read side, and sleeping waits, with the token of the code inside.
//!
//! | kalloc | C | token inside |
//! | --- | --- | --- |
//! | [`Lock::locked`] of a [`SpinLock`] | `spin_lock()` | [`Atomic`] |
//! | [`Lock::locked_irq`] of a [`SpinLockIrq`] | `spin_lock_irqsave()` | [`Irq`] |
//! | [`Lock::read_locked`], [`Lock::write_locked`] of a [`RwLock`] | `read_lock()`, `write_lock()` | [`Atomic`] |
//! | [`LockRaw::raw_locked`] of a [`RawSpinLock`] | `raw_spin_lock()` | [`Raw`] |
//! | [`LockRaw::raw_locked_irq`] of a [`RawSpinLockIrq`] | `raw_spin_lock_irqsave()` | [`Raw`] |
//! | [`RcuRead::rcu_read`] | `rcu_read_lock()` | [`Atomic`] |
//! | [`Wait::mutex_locked`] of a [`Mutex`] | `mutex_lock()` | the one before |
//!
//! Where the context before is stricter than that, the token inside is its own. [`SpinLock`],
//! [`SpinLockIrq`] and [`Mutex`] are the kernel crate's, as they are; the others are kalloc's.
//!
//! Each section has a closure form, which is the one to use, and for code that a closure does not fit
//! a guard form, the macro [`section!`](crate::section!).
//!
//! # Interrupts
//!
//! Data that an interrupt shares with the code it interrupts needs a lock that keeps the interrupt
//! off: a [`SpinLockIrq`] or [`RawSpinLockIrq`] against hard interrupts, a [`SpinLock`] within
//! [`DisableBh::bh_off`](crate::irq::DisableBh::bh_off) against softirqs. Nothing in a type says
//! which interrupts take a [`SpinLock`], so taking one without is a deadlock that compiles, as every
//! lock taken in a wrong order is; lockdep finds both.
//!
//! # `CONFIG_PREEMPT_RT`
//!
//! A `spinlock_t` and an `rwlock_t` sleep there, whether with interrupts off or without: they leave
//! interrupts on. So a context with interrupts or preemption disabled cannot take one. A
//! `raw_spinlock_t` is a spinlock on every kernel, and nothing is allocated under one on
//! `CONFIG_PREEMPT_RT`.
//!
//! [`Atomic`]: crate::context::Atomic
//! [`Irq`]: crate::context::Irq
//! [`Raw`]: crate::context::Raw
//! [`SpinLock`]: kernel::sync::SpinLock
//! [`SpinLockIrq`]: kernel::sync::SpinLockIrq
//! [`Mutex`]: kernel::sync::Mutex

mod raw;
mod rcu;
mod rwlock;
mod section;
mod spinlock;
mod wait;

pub use raw::{
    new_raw_spinlock, new_raw_spinlock_irq, LockRaw, RawSpinLock, RawSpinLockBackend,
    RawSpinLockIrq, RawSpinLockIrqBackend,
};
pub use rcu::{RcuRead, ReadSide};
pub use rwlock::{new_rwlock, ReadGuard, RwLock, WriteGuard};
pub(crate) use section::within;
#[doc(hidden)]
pub use section::{enter, Slot};
pub use section::{Enter, Section};
pub use spinlock::{DirectSpinLockBackend, Lock};
pub use wait::Wait;
