// SPDX-License-Identifier: GPL-2.0

//! What ends a section when it is dropped: guards that have no data.

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

/// Interrupts are off on this CPU until this is dropped.
#[derive(Debug)]
pub struct IrqGuard(c_ulong, NotThreadSafe);

impl IrqGuard {
    /// # Safety
    ///
    /// It is dropped before the guards of the sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(irqflags::local_irq_save(), NotThreadSafe)
    }
}

impl Drop for IrqGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: The flags are those that this guard was made with, on this thread, and sections
        // nest.
        unsafe { irqflags::local_irq_restore(self.0) }
    }
}

/// Preemption is disabled until this is dropped.
#[derive(Debug)]
pub struct PreemptGuard(NotThreadSafe);

impl PreemptGuard {
    /// # Safety
    ///
    /// It is dropped before the guards of the sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // SAFETY: It has no preconditions.
        unsafe { kalloc_helper_preempt_disable() };
        Self(NotThreadSafe)
    }
}

impl Drop for PreemptGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: It was disabled when this guard was made, on this thread.
        unsafe { kalloc_helper_preempt_enable() }
    }
}

/// Bottom halves are disabled on this CPU until this is dropped.
#[derive(Debug)]
pub struct BhGuard(NotThreadSafe);

impl BhGuard {
    /// # Safety
    ///
    /// Interrupts are on, and this is no hard interrupt. It is dropped before the guards of the
    /// sections around.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // SAFETY: By the contract of this function.
        unsafe { kalloc_helper_local_bh_disable() };
        Self(NotThreadSafe)
    }
}

impl Drop for BhGuard {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: They were disabled when this guard was made, on this thread, and sections nest. The
        // helper asks whether interrupts are on, which a guard of the kernel crate that has left the
        // section makes false.
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
            /// It is dropped before the guards of the scopes around.
            #[inline(always)]
            pub(crate) unsafe fn new() -> Self {
                // SAFETY: It has no preconditions.
                Self(unsafe { $save() }, NotThreadSafe)
            }
        }

        impl Drop for $name {
            #[inline(always)]
            fn drop(&mut self) {
                // SAFETY: The flags are those that this guard was made with, on this thread, and by
                // the contract of `new` scopes nest.
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

/// Evidence that the code is on the RCU read side, for as long as it is borrowed.
///
/// A driver has a reference, from [`RcuReadExt::rcu_read`](crate::sync::RcuReadExt::rcu_read) or from `section!(…, rcu_read_lock())`, and
/// never the value: it cannot leak it. The guard of the kernel crate is no such evidence. Leaked, it
/// is `&'static`, and the read side ends with the thread, or where the thread sleeps.
///
/// Functions of the kernel crate take that guard, to which this dereferences:
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
/// The thread is on the RCU read side until the value is dropped, on this thread. Until then no token
/// that permits sleep is used.
pub struct ReadSide(rcu::Guard);

impl ReadSide {
    /// Wraps `rcu_read_lock()`.
    ///
    /// # Safety
    ///
    /// The value is dropped, on this thread, and until then no token that permits sleep is used.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        // INVARIANT: Just entered. The rest is the contract of this function.
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
