// SPDX-License-Identifier: GPL-2.0

//! The context tokens, and the tables of what each permits.
//!
//! `contexts/grant.rs` says how flags, contexts and allocators are checked together.

use crate::{
    contexts::traits::*,
    flags::bases::*,
    ground::sealed::Sealed, //
};
use core::marker::PhantomData;
use kernel::types::NotThreadSafe;

/// Process context, with no lock held: may sleep.
///
/// An adaptor such as [`crate::module!`] makes one token for each call of the kernel into the
/// driver. The token lives until the call returns.
///
/// Flags: [`GfpKernel`] by default; all others.
#[derive(Debug)]
pub struct TaskCx(NotThreadSafe);

impl TaskCx {
    /// Claims process context, for a callback of the kernel that kalloc has no adaptor for.
    ///
    /// With `CONFIG_DEBUG_ATOMIC_SLEEP` the claim is checked by `might_sleep()`, which warns if it
    /// is false.
    ///
    /// # Safety
    ///
    /// The code may sleep for as long as the token lives. The code that gets the token can reach no
    /// other token.
    #[inline(always)]
    pub unsafe fn assume() -> Self {
        #[cfg(CONFIG_DEBUG_ATOMIC_SLEEP)]
        // SAFETY: The call has no preconditions. It warns where the code must not sleep.
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
            /// With `CONFIG_DEBUG_ATOMIC_SLEEP` the kernel checks the part of the claim that it can
            /// check, and warns if that is false.
            ///
            /// # Safety
            ///
            /// For all of `'a`, the code that gets the token is in a context that permits all that
            /// the token's type permits, and can reach no token that permits more.
            #[inline(always)]
            pub unsafe fn assume() -> Self {
                #[cfg(CONFIG_DEBUG_ATOMIC_SLEEP)]
                // SAFETY: The call has no preconditions. It warns where the claim is false.
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
    /// thread reclaims, so none starts I/O, whatever its flags.
    NoReclaimCx, "to be inside a `memalloc_noreclaim_save()` scope", kalloc_helper_assert_noreclaim;
    /// Must not sleep, and is not an interrupt: a `spinlock_t` is held, or the code is on the RCU
    /// read side.
    ///
    /// Flags: [`GfpAtomic`] by default; [`GfpNowait`](crate::gfp::GfpNowait),
    /// [`GfpNoReclaim`](crate::gfp::GfpNoReclaim).
    AtomicCx, "a context that must not sleep, outside interrupts, in which a `spinlock_t` may be taken", kalloc_helper_assert_atomic;
    /// Must not sleep, and may be a softirq: in a softirq, a timer, BH work, or with bottom halves
    /// disabled.
    ///
    /// Flags: as [`AtomicCx`].
    BhCx, "a softirq, or bottom halves disabled", kalloc_helper_assert_bh;
    /// Must not sleep, and interrupts may be off: a `SpinLockIrq` is held, or the code is a
    /// hard-IRQ handler that PREEMPT_RT may thread.
    ///
    /// Flags: as [`AtomicCx`].
    IrqCx, "a hard-interrupt context that PREEMPT_RT may thread", kalloc_helper_assert_may_lock;
    /// Interrupts or preemption are disabled, also on `CONFIG_PREEMPT_RT`: `local_irq_save()`,
    /// `preempt_disable()`, a raw spinlock, `IRQF_NO_THREAD` handlers.
    ///
    /// Flags: as [`AtomicCx`]; on `CONFIG_PREEMPT_RT` only [`GfpNolock`], since the other
    /// allocators take sleeping locks there.
    RawCx, "a context with interrupts or preemption disabled, outside NMI", kalloc_helper_assert_not_nmi;
    /// In an NMI handler.
    ///
    /// Flags: only [`GfpNolock`]; other memory is allocated before the NMI.
    NmiCx, "an NMI handler", kalloc_helper_assert_nmi;
}

impl Token for TaskCx {
    #[inline(always)]
    unsafe fn token() -> Self {
        Self(NotThreadSafe)
    }
}

/// One row for each token: the token that it becomes in each kind of section.
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

// `&mut C` is the context `C`, so that a helper uses its `task: &mut TaskCx` as its caller uses its
// own `task`.
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
