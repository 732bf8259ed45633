// SPDX-License-Identifier: GPL-2.0

//! Guards without data. A section ends when its guard is dropped.

use crate::{
    arch::irqflags,
    sections::section::Data, //
};
use core::{
    fmt,
    ops::Deref, //
};
use kalloc_bindings::*;
use kernel::{
    ffi::{
        c_uint,
        c_ulong, //
    },
    sync::rcu,
    types::NotThreadSafe, //
};

/// Interrupts are disabled on this CPU until the guard is dropped.
#[derive(Debug)]
pub struct IrqGuard(c_ulong, NotThreadSafe);

impl IrqGuard {
    /// # Safety
    ///
    /// The guard is dropped before the guards of the sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(irqflags::local_irq_save(), NotThreadSafe)
    }
}

impl Drop for IrqGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `# Safety` of `new`: sections nest. The flags are those that `new` saved, on this
        // thread.
        unsafe { irqflags::local_irq_restore(self.0) }
    }
}

/// Preemption is disabled until the guard is dropped.
#[derive(Debug)]
pub struct PreemptGuard(NotThreadSafe);

impl PreemptGuard {
    /// # Safety
    ///
    /// The guard is dropped before the guards of the sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // SAFETY: The call has no preconditions.
        unsafe { kalloc_helper_preempt_disable() };
        Self(NotThreadSafe)
    }
}

impl Drop for PreemptGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `new` disabled preemption, on this thread.
        unsafe { kalloc_helper_preempt_enable() }
    }
}

/// Bottom halves are disabled on this CPU until the guard is dropped.
#[derive(Debug)]
pub struct BhGuard(NotThreadSafe);

impl BhGuard {
    /// # Safety
    ///
    /// Interrupts are enabled, and the code is not in a hard interrupt. The guard is dropped before
    /// the guards of the sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // SAFETY: `# Safety`: interrupts are enabled, outside a hard interrupt.
        unsafe { kalloc_helper_local_bh_disable() };
        Self(NotThreadSafe)
    }
}

impl Drop for BhGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `# Safety` of `new`: sections nest. `new` disabled bottom halves, on this thread.
        // The helper checks that interrupts are enabled: a guard of the kernel crate that has left
        // the section can have disabled them.
        unsafe { kalloc_helper_local_bh_enable() }
    }
}

macro_rules! guards {
    ($($name:ident, $doc:literal, $save:ident, $restore:ident;)*) => {$(
        #[doc = $doc]
        #[derive(Debug)]
        pub struct $name(c_uint, NotThreadSafe);

        impl $name {
            /// # Safety
            ///
            /// The guard is dropped before the guards of the scopes around.
            #[inline(always)]
            pub(crate) unsafe fn new() -> Self {
                // SAFETY: The call has no preconditions.
                Self(unsafe { $save() }, NotThreadSafe)
            }
        }

        impl Drop for $name {
            #[inline(always)]
            fn drop(&mut self) {
                // SAFETY: `# Safety` of `new`: scopes nest. The flags are those that `new` saved,
                // on this thread.
                unsafe { $restore(self.0) }
            }
        }
    )*};
}

guards! {
    NoFsGuard, "The thread is in a NOFS scope until this is dropped.",
        kalloc_helper_memalloc_nofs_save, kalloc_helper_memalloc_nofs_restore;
    NoIoGuard, "The thread is in a NOIO scope until this is dropped.",
        kalloc_helper_memalloc_noio_save, kalloc_helper_memalloc_noio_restore;
    NoReclaimGuard, "The thread is in a scope without reclaim until this is dropped.",
        kalloc_helper_memalloc_noreclaim_save, kalloc_helper_memalloc_noreclaim_restore;
}

/// A proof that the code is on the RCU read side, for as long as it is borrowed.
///
/// A driver has a reference, from [`RcuReadExt::rcu_read`](crate::sync::RcuReadExt::rcu_read) or
/// from `section!(…, rcu_read_lock())`, and never the value, so it cannot leak the value. The
/// kernel crate's guard is not such a proof: a leaked one is `&'static`, but the read side ends
/// with the thread, or when the thread sleeps.
///
/// A `ReadSide` dereferences to the kernel crate's guard, which functions of the kernel crate take:
///
/// ```
/// use kalloc::prelude::*;
/// use kernel::revocable::Revocable;
///
/// fn limit(task: &mut TaskCx, limit: &Revocable<u32>) -> Option<u32> {
///     task.rcu_read(|side, _cx| limit.try_access_with_guard(side).copied())
/// }
/// ```
///
/// # Invariants
///
/// The thread is on the RCU read side until the value is dropped, on this thread. Until then no
/// token that permits sleeping is used.
pub struct ReadSide(rcu::Guard);

impl ReadSide {
    /// Wraps `rcu_read_lock()`.
    ///
    /// # Safety
    ///
    /// The value is dropped on this thread, and until then no token that permits sleeping is used.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // INVARIANT: `rcu::read_lock()` enters the read side. `# Safety`: the value is dropped on
        // this thread, and no token that permits sleeping is used before.
        Self(rcu::read_lock())
    }
}

impl Deref for ReadSide {
    type Target = rcu::Guard;
    #[inline(always)]
    fn deref(&self) -> &rcu::Guard {
        &self.0
    }
}

impl fmt::Debug for ReadSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadSide")
    }
}

impl Data for ReadSide {
    type Of<'x> = &'x ReadSide;
    #[inline(always)]
    fn data(&mut self) -> &ReadSide {
        self
    }
}
