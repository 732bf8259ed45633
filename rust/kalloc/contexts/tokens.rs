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
/// Flags: [`GfpKernel`] by default, and every other.
#[derive(Debug)]
pub struct TaskCx(NotThreadSafe);

impl TaskCx {
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
    /// Flags: [`GfpNoFs`] by default; those of [`NoIoCx`].
    NoFsCx, "to be inside a `memalloc_nofs_save()` scope", kalloc_helper_assert_nofs;
    /// Inside a `memalloc_noio_save()` scope: may sleep, must not start I/O.
    ///
    /// Flags: [`GfpNoIo`] by default; those of [`AtomicCx`].
    NoIoCx, "to be inside a `memalloc_noio_save()` scope", kalloc_helper_assert_noio;
    /// Inside a `memalloc_noreclaim_save()` scope (`PF_MEMALLOC`): may sleep, does not reclaim, and
    /// may take all of the reserves.
    ///
    /// Flags: [`GfpNoIo`] by default; those of [`NoIoCx`], without `nofail`. No allocation of the
    /// thread reclaims, so none would start I/O whatever its flags.
    NoReclaimCx, "to be inside a `memalloc_noreclaim_save()` scope", kalloc_helper_assert_noreclaim;
    /// Must not sleep, and is no interrupt: a `spinlock_t` is held, on the RCU read side.
    ///
    /// Flags: [`GfpAtomic`] by default; [`GfpNowait`](crate::gfp::GfpNowait),
    /// [`GfpNoReclaim`](crate::gfp::GfpNoReclaim).
    AtomicCx, "a context that must not sleep, outside interrupts, in which a `spinlock_t` may be taken", kalloc_helper_assert_atomic;
    /// Must not sleep, and may be a softirq: in a softirq, a timer, BH work, or with bottom halves
    /// disabled.
    ///
    /// Flags: as [`AtomicCx`].
    BhCx, "a softirq, or bottom halves disabled", kalloc_helper_assert_bh;
    /// Must not sleep, and interrupts may be off: a `SpinLockIrq` is held, a hard-IRQ handler that
    /// RT may thread.
    ///
    /// Flags: as [`AtomicCx`].
    IrqCx, "a hard-interrupt context that PREEMPT_RT may thread", kalloc_helper_assert_may_lock;
    /// Interrupts or preemption are really disabled, also on `CONFIG_PREEMPT_RT`:
    /// `local_irq_save()`, `preempt_disable()`, a raw spinlock, `IRQF_NO_THREAD` handlers.
    ///
    /// Flags: as [`AtomicCx`]; on `CONFIG_PREEMPT_RT` none, since the allocators take sleeping locks
    /// there.
    RawCx, "a context with interrupts or preemption disabled, outside NMI", kalloc_helper_assert_not_nmi;
    /// In an NMI handler. No flags: memory has to be there before.
    NmiCx, "an NMI handler", kalloc_helper_assert_nmi;
}

impl Token for TaskCx {
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
            type AtomicCx<'a> = $atomic<'a>;
            type BhCx<'a> = $bh<'a>;
            type IrqCx<'a> = $irq<'a>;
            type RawCx<'a> = $raw<'a>;
        }
    )*};
}

contexts! {
    TaskCx: AtomicCx, BhCx, IrqCx, RawCx;
    NoFsCx<'_>: AtomicCx, BhCx, IrqCx, RawCx;
    NoIoCx<'_>: AtomicCx, BhCx, IrqCx, RawCx;
    NoReclaimCx<'_>: AtomicCx, BhCx, IrqCx, RawCx;
    AtomicCx<'_>: AtomicCx, BhCx, IrqCx, RawCx;
    BhCx<'_>: BhCx, BhCx, IrqCx, RawCx;
    IrqCx<'_>: IrqCx, IrqCx, IrqCx, RawCx;
    RawCx<'_>: RawCx, RawCx, RawCx, RawCx;
    NmiCx<'_>: NmiCx, NmiCx, NmiCx, NmiCx;
}

macro_rules! allocate {
    ($($(#[$cfg:meta])* $name:ty: $flags:ty, $locked:ident, $irq:ident;)*) => {$(
        $(#[$cfg])*
        impl MayAlloc for $name {
            type Flags = $flags;
            type Locked<'a> = $locked<'a>;
            type LockedIrq<'a> = $irq<'a>;
        }
    )*};
}

allocate! {
    TaskCx: GfpKernel, AtomicCx, IrqCx;
    NoFsCx<'_>: GfpNoFs, AtomicCx, IrqCx;
    NoIoCx<'_>: GfpNoIo, AtomicCx, IrqCx;
    NoReclaimCx<'_>: GfpNoIo, AtomicCx, IrqCx;
    AtomicCx<'_>: GfpAtomic, AtomicCx, IrqCx;
    BhCx<'_>: GfpAtomic, BhCx, IrqCx;
    IrqCx<'_>: GfpAtomic, IrqCx, IrqCx;
    #[cfg(not(CONFIG_PREEMPT_RT))]
    RawCx<'_>: GfpAtomic, RawCx, RawCx;
}

macro_rules! marked {
    ($($trait:ident: $($name:ty),*;)*) => {$($(
        impl $trait for $name {}
    )*)*};
}

marked! {
    NotNmi: TaskCx, NoFsCx<'_>, NoIoCx<'_>, NoReclaimCx<'_>, AtomicCx<'_>, BhCx<'_>, IrqCx<'_>, RawCx<'_>;
    NotInterrupt: TaskCx, NoFsCx<'_>, NoIoCx<'_>, NoReclaimCx<'_>, AtomicCx<'_>;
    MayReclaim: TaskCx, NoFsCx<'_>, NoIoCx<'_>, AtomicCx<'_>, BhCx<'_>, IrqCx<'_>, RawCx<'_>, NmiCx<'_>;
    InNoFs: NoFsCx<'_>, NoIoCx<'_>;
    InNoIo: NoIoCx<'_>;
    InNoReclaim: NoReclaimCx<'_>;
    MayIo: TaskCx, NoFsCx<'_>;
    MayFs: TaskCx;
}

macro_rules! irqs_on {
    ($($name:ty),*) => {$(
        impl IrqsOn for $name {
            type BhOff<'a> = BhCx<'a>;
        }
    )*};
}

irqs_on! { TaskCx, NoFsCx<'_>, NoIoCx<'_>, NoReclaimCx<'_>, AtomicCx<'_>, BhCx<'_> }

macro_rules! sleep {
    ($($name:ty: $nofs:ident, $noio:ident;)*) => {$(
        impl MaySleep for $name {
            type NoFsCx<'a> = $nofs<'a>;
            type NoIoCx<'a> = $noio<'a>;
        }
    )*};
}

sleep! {
    TaskCx: NoFsCx, NoIoCx;
    NoFsCx<'_>: NoFsCx, NoIoCx;
    NoIoCx<'_>: NoIoCx, NoIoCx;
    NoReclaimCx<'_>: NoReclaimCx, NoReclaimCx;
}

// `&mut` of a context is that context, so that a helper's `task: &mut TaskCx` is used as its caller's
// `task` is.
impl<C: Context> Sealed for &mut C {}
impl<C: Context> Context for &mut C {
    type AtomicCx<'a> = C::AtomicCx<'a>;
    type BhCx<'a> = C::BhCx<'a>;
    type IrqCx<'a> = C::IrqCx<'a>;
    type RawCx<'a> = C::RawCx<'a>;
}
impl<C: MayAlloc> MayAlloc for &mut C {
    type Flags = C::Flags;
    type Locked<'a> = C::Locked<'a>;
    type LockedIrq<'a> = C::LockedIrq<'a>;
}
impl<C: IrqsOn> IrqsOn for &mut C {
    type BhOff<'a> = C::BhOff<'a>;
}
impl<C: NotNmi> NotNmi for &mut C {}
impl<C: NotInterrupt> NotInterrupt for &mut C {}
impl<C: MaySleep> MaySleep for &mut C {
    type NoFsCx<'a> = C::NoFsCx<'a>;
    type NoIoCx<'a> = C::NoIoCx<'a>;
}
impl<C: MayReclaim> MayReclaim for &mut C {}
impl<C: InNoFs> InNoFs for &mut C {}
impl<C: InNoIo> InNoIo for &mut C {}
impl<C: InNoReclaim> InNoReclaim for &mut C {}
impl<C: MayIo> MayIo for &mut C {}
impl<C: MayFs> MayFs for &mut C {}

// Tokens cost nothing at run time.
const _: () = {
    assert!(
        size_of::<TaskCx>() == 0 && size_of::<NoFsCx<'_>>() == 0 && size_of::<NoIoCx<'_>>() == 0
    );
    assert!(
        size_of::<NoReclaimCx<'_>>() == 0
            && size_of::<AtomicCx<'_>>() == 0
            && size_of::<BhCx<'_>>() == 0
            && size_of::<IrqCx<'_>>() == 0
    );
    assert!(size_of::<RawCx<'_>>() == 0 && size_of::<NmiCx<'_>>() == 0);
};
