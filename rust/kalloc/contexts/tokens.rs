// SPDX-License-Identifier: GPL-2.0

//! The tokens, and a table of what each permits.

use crate::{
    contexts::traits::*,
    flags::bases::*,
    ground::sealed::Sealed, //
};
use core::marker::PhantomData;
use kernel::types::NotThreadSafe;

/// Process context, with no lock held: may sleep.
///
/// There is one for each thread of control, from the kernel's entry into the driver to its return:
/// an adaptor such as [`crate::module!`] makes it.
///
/// Flags: [`Kernel`] by default, and every other.
#[derive(Debug)]
pub struct Task(NotThreadSafe);

impl Task {
    /// Claims process context, for a callback of the kernel that kalloc has no adaptor for.
    ///
    /// A kernel with `CONFIG_DEBUG_ATOMIC_SLEEP` checks the claim as `might_sleep()` does: a false
    /// one warns.
    ///
    /// # Safety
    ///
    /// The caller must be allowed to sleep for as long as the token lives, and no other token may
    /// be in reach of the code that gets it.
    #[inline(always)]
    pub unsafe fn assume() -> Self {
        #[cfg(CONFIG_DEBUG_ATOMIC_SLEEP)]
        // SAFETY: It has no preconditions; it warns where it must not be called.
        unsafe {
            kalloc_bindings::kalloc_helper_might_sleep()
        };
        Self(NotThreadSafe)
    }
}

macro_rules! bounded_tokens {
    ($($(#[$doc:meta])* $name:ident, $claim:literal, $check:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<'a>(PhantomData<&'a mut ()>, NotThreadSafe);

        impl<'a> $name<'a> {
            #[doc = concat!("Claims ", $claim, ", for a callback of the kernel that kalloc has no adaptor for.")]
            ///
            /// A kernel with `CONFIG_DEBUG_ATOMIC_SLEEP` checks what can be checked of the claim,
            /// and warns.
            ///
            /// # Safety
            ///
            /// The code that gets the token must be in a context that permits all that the token's
            /// type permits, for all of `'a`, and no token of a freer context may be in its reach.
            #[inline(always)]
            pub unsafe fn assume() -> Self {
                #[cfg(CONFIG_DEBUG_ATOMIC_SLEEP)]
                // SAFETY: It has no preconditions; it warns where the claim is false.
                unsafe {
                    kalloc_bindings::$check()
                };
                Self(PhantomData, NotThreadSafe)
            }
        }

        impl<'a> Token for $name<'a> {
            #[inline(always)]
            unsafe fn token() -> Self {
                Self(PhantomData, NotThreadSafe)
            }
        }
    )*};
}

bounded_tokens! {
    /// Inside a `memalloc_nofs_save()` scope: may sleep and start I/O, must not call into file
    /// systems.
    ///
    /// Flags: [`GfpNoFs`] by default; those of [`NoIo`].
    NoFs, "to be inside a `memalloc_nofs_save()` scope", kalloc_helper_assert_nofs;
    /// Inside a `memalloc_noio_save()` scope: may sleep, must not start I/O.
    ///
    /// Flags: [`GfpNoIo`] by default; those of [`Atomic`].
    NoIo, "to be inside a `memalloc_noio_save()` scope", kalloc_helper_assert_noio;
    /// Inside a `memalloc_noreclaim_save()` scope (`PF_MEMALLOC`): may sleep, does not reclaim, and
    /// may take all of the reserves.
    ///
    /// Flags: [`GfpNoIo`] by default; those of [`NoIo`], without `nofail`. No allocation of the
    /// thread reclaims, so none would start I/O whatever its flags.
    Memalloc, "to be inside a `memalloc_noreclaim_save()` scope", kalloc_helper_assert_noreclaim;
    /// Must not sleep, and is no interrupt: a `spinlock_t` is held, on the RCU read side.
    ///
    /// Flags: [`GfpAtomic`] by default; [`GfpNowait`](crate::gfp::GfpNowait),
    /// [`NoReclaim`](crate::gfp::NoReclaim).
    Atomic, "a context that must not sleep, outside interrupts, in which a `spinlock_t` may be taken", kalloc_helper_assert_atomic;
    /// Must not sleep, and may be a softirq: in a softirq, a timer, BH work, or with bottom halves
    /// disabled.
    ///
    /// Flags: as [`Atomic`].
    Bh, "a softirq, or bottom halves disabled", kalloc_helper_assert_bh;
    /// Must not sleep, and interrupts may be off: a `SpinLockIrq` is held, a hard-IRQ handler that
    /// RT may thread.
    ///
    /// Flags: as [`Atomic`].
    Irq, "a hard-interrupt context that PREEMPT_RT may thread", kalloc_helper_assert_may_lock;
    /// Interrupts or preemption are really disabled, also on `CONFIG_PREEMPT_RT`:
    /// `local_irq_save()`, `preempt_disable()`, a raw spinlock, `IRQF_NO_THREAD` handlers.
    ///
    /// Flags: as [`Atomic`]; on `CONFIG_PREEMPT_RT` none, since the allocators take sleeping locks
    /// there.
    Raw, "a context with interrupts or preemption disabled, outside NMI", kalloc_helper_assert_not_nmi;
    /// In an NMI handler. No flags: memory has to be there before.
    Nmi, "an NMI handler", kalloc_helper_assert_nmi;
}

impl Token for Task {
    #[inline(always)]
    unsafe fn token() -> Self {
        Self(NotThreadSafe)
    }
}

/// One row a token: what it becomes in each kind of section.
macro_rules! contexts {
    ($($name:ty: $atomic:ident, $bh:ident, $irq:ident, $raw:ident;)*) => {$(
        impl Sealed for $name {}
        impl Context for $name {
            type Atomic<'a> = $atomic<'a>;
            type Bh<'a> = $bh<'a>;
            type Irq<'a> = $irq<'a>;
            type Raw<'a> = $raw<'a>;
        }
    )*};
}

contexts! {
    Task: Atomic, Bh, Irq, Raw;
    NoFs<'_>: Atomic, Bh, Irq, Raw;
    NoIo<'_>: Atomic, Bh, Irq, Raw;
    Memalloc<'_>: Atomic, Bh, Irq, Raw;
    Atomic<'_>: Atomic, Bh, Irq, Raw;
    Bh<'_>: Bh, Bh, Irq, Raw;
    Irq<'_>: Irq, Irq, Irq, Raw;
    Raw<'_>: Raw, Raw, Raw, Raw;
    Nmi<'_>: Nmi, Nmi, Nmi, Nmi;
}

macro_rules! allocate {
    ($($(#[$cfg:meta])* $name:ty: $flags:ty, $locked:ident, $irq:ident;)*) => {$(
        $(#[$cfg])*
        impl Allocate for $name {
            type Flags = $flags;
            type Locked<'a> = $locked<'a>;
            type LockedIrq<'a> = $irq<'a>;
        }
    )*};
}

allocate! {
    Task: Kernel, Atomic, Irq;
    NoFs<'_>: GfpNoFs, Atomic, Irq;
    NoIo<'_>: GfpNoIo, Atomic, Irq;
    Memalloc<'_>: GfpNoIo, Atomic, Irq;
    Atomic<'_>: GfpAtomic, Atomic, Irq;
    Bh<'_>: GfpAtomic, Bh, Irq;
    Irq<'_>: GfpAtomic, Irq, Irq;
    #[cfg(not(CONFIG_PREEMPT_RT))]
    Raw<'_>: GfpAtomic, Raw, Raw;
}

macro_rules! marked {
    ($($trait:ident: $($name:ty),*;)*) => {$($(
        impl $trait for $name {}
    )*)*};
}

marked! {
    NotNmi: Task, NoFs<'_>, NoIo<'_>, Memalloc<'_>, Atomic<'_>, Bh<'_>, Irq<'_>, Raw<'_>;
    NotInterrupt: Task, NoFs<'_>, NoIo<'_>, Memalloc<'_>, Atomic<'_>;
    Reclaim: Task, NoFs<'_>, NoIo<'_>, Atomic<'_>, Bh<'_>, Irq<'_>, Raw<'_>, Nmi<'_>;
    InNoFs: NoFs<'_>, NoIo<'_>;
    InNoIo: NoIo<'_>;
    InNoReclaim: Memalloc<'_>;
    SleepIo: Task, NoFs<'_>;
    SleepFs: Task;
}

macro_rules! irqs_on {
    ($($name:ty),*) => {$(
        impl IrqsOn for $name {
            type BhOff<'a> = Bh<'a>;
        }
    )*};
}

irqs_on! { Task, NoFs<'_>, NoIo<'_>, Memalloc<'_>, Atomic<'_>, Bh<'_> }

macro_rules! sleep {
    ($($name:ty: $nofs:ident, $noio:ident;)*) => {$(
        impl Sleep for $name {
            type NoFs<'a> = $nofs<'a>;
            type NoIo<'a> = $noio<'a>;
        }
    )*};
}

sleep! {
    Task: NoFs, NoIo;
    NoFs<'_>: NoFs, NoIo;
    NoIo<'_>: NoIo, NoIo;
    Memalloc<'_>: Memalloc, Memalloc;
}

// `&mut` of a context is that context, so that a helper's `task: &mut Task` is used as its caller's
// `task` is.
impl<C: Context> Sealed for &mut C {}
impl<C: Context> Context for &mut C {
    type Atomic<'a> = C::Atomic<'a>;
    type Bh<'a> = C::Bh<'a>;
    type Irq<'a> = C::Irq<'a>;
    type Raw<'a> = C::Raw<'a>;
}
impl<C: Allocate> Allocate for &mut C {
    type Flags = C::Flags;
    type Locked<'a> = C::Locked<'a>;
    type LockedIrq<'a> = C::LockedIrq<'a>;
}
impl<C: IrqsOn> IrqsOn for &mut C {
    type BhOff<'a> = C::BhOff<'a>;
}
impl<C: NotNmi> NotNmi for &mut C {}
impl<C: NotInterrupt> NotInterrupt for &mut C {}
impl<C: Sleep> Sleep for &mut C {
    type NoFs<'a> = C::NoFs<'a>;
    type NoIo<'a> = C::NoIo<'a>;
}
impl<C: Reclaim> Reclaim for &mut C {}
impl<C: InNoFs> InNoFs for &mut C {}
impl<C: InNoIo> InNoIo for &mut C {}
impl<C: InNoReclaim> InNoReclaim for &mut C {}
impl<C: SleepIo> SleepIo for &mut C {}
impl<C: SleepFs> SleepFs for &mut C {}

// Tokens cost nothing at run time.
const _: () = {
    assert!(size_of::<Task>() == 0 && size_of::<NoFs<'_>>() == 0 && size_of::<NoIo<'_>>() == 0);
    assert!(
        size_of::<Memalloc<'_>>() == 0
            && size_of::<Atomic<'_>>() == 0
            && size_of::<Bh<'_>>() == 0
            && size_of::<Irq<'_>>() == 0
    );
    assert!(size_of::<Raw<'_>>() == 0 && size_of::<Nmi<'_>>() == 0);
};
