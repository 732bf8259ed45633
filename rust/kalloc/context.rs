// SPDX-License-Identifier: GPL-2.0

//! Contexts: tokens that say what code may do where it runs.
//!
//! A token is zero-sized, stays on its thread and cannot be copied. It restricts and proves nothing
//! else: that code has a [`Raw`] token does not show that interrupts are off. Contexts, from the
//! freest to the strictest:
//!
//! | token | where the kernel hands it out | default flags | may use |
//! | --- | --- | --- | --- |
//! | [`Task`] | module init and exit, probe, [work items](crate::work), [threads](crate::kthread), [files](crate::miscdevice) | [`Kernel`] | everything |
//! | [`NoFs`], [`NoIo`] | a [scope](crate::scope) | [`GfpNoFs`], [`GfpNoIo`] | may sleep; what the scope permits |
//! | [`Memalloc`] | a [scope](crate::scope) | [`GfpNoIo`] | may sleep, does not reclaim; not `nofail` |
//! | [`Atomic`] | a [spinlock or the RCU read side](crate::sync) | [`GfpAtomic`] | nothing that sleeps |
//! | [`Bh`] | softirqs, timers, BH work, [bottom halves disabled](crate::irq) | [`GfpAtomic`] | as [`Atomic`], no vmalloc |
//! | [`Irq`] | `SpinLockIrq`, hard-IRQ handlers that RT may thread | [`GfpAtomic`] | as [`Bh`] |
//! | [`Raw`] | [interrupts or preemption disabled](crate::irq) | [`GfpAtomic`]; none on RT | as [`Irq`]; on RT no allocator |
//! | [`Nmi`] | NMI handlers | none | no allocator |
//!
//! A section that takes sleep away borrows the token before it exclusively, so until the section
//! ends no sleeping call compiles: not through the old token, which is borrowed, and not through
//! the new one, whose type has no such flags.
//!
//! ```
//! use kalloc::prelude::*;
//! use kernel::sync::SpinLock;
//!
//! fn count(task: &mut Task, lock: &SpinLock<u32>) -> Result {
//!     let _sleeps = KBox::new(&task, 1u32)?;
//!     task.locked(lock, |count, cx| -> Result {
//!         *count += 1;
//!         let _does_not = KBox::new(&cx, *count)?;
//!         Ok(())
//!     })
//! }
//! ```
//!
//! A helper asks for what it needs of a context and not for a token, so that it works in every
//! context that has it:
//!
//! ```
//! use kalloc::prelude::*;
//!
//! fn pair<C: Sleep>(cx: &C) -> Result<(KBox<u8>, KBox<u8>)> {
//!     Ok((KBox::new(cx, 1)?, KBox::new(cx, 2)?))
//! }
//! ```
//!
//! What no type can see is what takes no token: the kernel crate's own `SpinLock::lock`,
//! `rcu::read_lock`, `local_interrupt_disable` and allocators.

use crate::gfp::{AllowedIn, GfpAtomic, GfpNoFs, GfpNoIo, Kernel, Plain, Sleeping, With};
#[cfg(CONFIG_64BIT)]
use core::sync::atomic::{AtomicI64, AtomicU64};
use core::{
    marker::PhantomData,
    sync::atomic::{
        AtomicBool, AtomicI16, AtomicI32, AtomicI8, AtomicIsize, AtomicU16, AtomicU32, AtomicU8,
        AtomicUsize,
    },
};
use kernel::types::NotThreadSafe;

pub(crate) mod private {
    /// Keeps the traits of this crate for its own types: a context made elsewhere would prove
    /// nothing.
    pub trait Sealed {}

    /// A token proper, and not a reference to one.
    // Public because it is in the bounds of public traits.
    #[allow(unreachable_pub)]
    pub trait Token: super::Context + Sized {
        /// Makes the token.
        ///
        /// # Safety
        ///
        /// For as long as the token lives the code that has it must be in a context that permits
        /// all that the token's type permits, and must not have a token of a freer context in
        /// reach.
        unsafe fn token() -> Self;
    }
}
use private::{Sealed, Token};

/// Any context: what a helper asks for that only hands its token on.
///
/// A context is a token or `&mut` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a context",
    label = "a token such as `Task` or `Atomic<'_>` is expected here",
    note = "tokens come from kalloc's entry points (module init, a lock, an interrupt handler) and not from a driver"
)]
pub trait Context: Sealed {
    /// The context of code here that must not sleep: [`Atomic`], or this one where it is stricter.
    type Atomic<'a>: Token;
    /// The context of code here that may be a softirq: [`Bh`], or this one where it is stricter.
    type Bh<'a>: Token;
    /// The context of code here that may run in a hard interrupt: [`Irq`], or this one where it is
    /// stricter.
    type Irq<'a>: Token;
    /// The context of code here with interrupts or preemption disabled: [`Raw`], or [`Nmi`].
    type Raw<'a>: Token;

    /// A grant of `flags`, for all the calls that should not use the context's own default.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn buffer(task: &Task) -> Result<KBox<[u8; 256]>> {
    ///     Ok(KBox::zeroed(task.with(Kernel.account()))?)
    /// }
    /// ```
    #[inline(always)]
    fn with<F: AllowedIn<Self>>(&self, _flags: F) -> With<'_, F, Self>
    where
        Self: Sized,
    {
        With::new()
    }
}

/// Contexts in which the allocators work, which is where a `spinlock_t` may be taken: all but
/// [`Nmi`], and but [`Raw`] on `CONFIG_PREEMPT_RT`.
#[diagnostic::on_unimplemented(
    message = "no allocator may be called and no spinlock taken in `{Self}`",
    label = "not allowed in this context",
    note = "an NMI handler, and on PREEMPT_RT code with interrupts or preemption disabled, has to use memory that was \
            allocated before",
    note = "where `task` is a reference already (`task: &Task`), the grant is `task` and not `&task`"
)]
pub trait Allocate: Context {
    /// The flags that a call gets that asks for none: what `KBox::new(&cx, …)` uses.
    type Flags: Plain;

    /// The context of code that holds a spinlock: [`Context::Atomic`], in which the allocators
    /// still work.
    type Locked<'a>: Allocate<Flags = GfpAtomic> + Token;

    /// The context of code that holds a spinlock with interrupts off: [`Context::Irq`], in which the
    /// allocators still work.
    type LockedIrq<'a>: Allocate<Flags = GfpAtomic> + Token;
}

/// Contexts in which interrupts are on: what the kernel's bulk functions ask for, and
/// `local_bh_disable()`.
#[diagnostic::on_unimplemented(
    message = "interrupts may be off in `{Self}`",
    label = "this wants interrupts on",
    note = "the kernel's bulk functions and `local_bh_disable()` are for process context, held spinlocks and softirqs; \
            allocate one by one here"
)]
pub trait IrqsOn: Allocate {
    /// The context of code here with bottom halves disabled, in which the allocators still work:
    /// [`Bh`].
    type BhOff<'a>: IrqsOn<Flags = GfpAtomic> + Token;
}

/// Handing code a token that is weaker than one's own.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn from_anywhere(cx: &mut Atomic<'_>) -> Result<KBox<u32>> {
///     Ok(KBox::new(&cx, 1)?)
/// }
///
/// fn from_process_context(task: &mut Task) -> Result<KBox<u32>> {
///     from_anywhere(&mut task.as_atomic())
/// }
/// ```
pub trait Weaken: Context {
    /// A weaker token for code that asks for [`Atomic`], for as long as this one is borrowed.
    #[inline(always)]
    fn as_atomic(&mut self) -> Self::Atomic<'_> {
        // SAFETY: It permits no more than `self`, which is borrowed for as long as it lives.
        unsafe { Token::token() }
    }

    /// A weaker token for code that asks for [`Bh`], for as long as this one is borrowed.
    #[inline(always)]
    fn as_bh(&mut self) -> Self::Bh<'_> {
        // SAFETY: It permits no more than `self`, which is borrowed for as long as it lives.
        unsafe { Token::token() }
    }

    /// A weaker token for code that asks for [`Irq`], for as long as this one is borrowed.
    #[inline(always)]
    fn as_irq(&mut self) -> Self::Irq<'_> {
        // SAFETY: It permits no more than `self`, which is borrowed for as long as it lives.
        unsafe { Token::token() }
    }

    /// A weaker token for code that asks for [`Raw`], for as long as this one is borrowed.
    #[inline(always)]
    fn as_raw(&mut self) -> Self::Raw<'_> {
        // SAFETY: It permits no more than `self`, which is borrowed for as long as it lives.
        unsafe { Token::token() }
    }
}
impl<C: Context> Weaken for C {}

/// Contexts that are no interrupt, hard or soft, and cannot be mistaken for one: all but [`Bh`] and
/// those that are stricter.
///
/// What vmalloc asks of its callers that must not sleep: it stops the kernel in a hard interrupt,
/// and takes locks that are not safe against softirqs.
#[diagnostic::on_unimplemented(
    message = "vmalloc cannot be called in an interrupt, which `{Self}` may be",
    label = "not allowed in this context",
    note = "allocate before the interrupt comes or bottom halves are disabled, hand the work to process context, or use \
            `KBox`, where kmalloc has that much"
)]
pub trait NotInterrupt: Allocate {}

/// Contexts that are no NMI: where a raw spinlock may be taken.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is an NMI handler",
    label = "not allowed in an NMI handler",
    note = "it may have interrupted whoever has the lock or the memory: hand the work on by `irq_work`, and use what is \
            lock-free"
)]
pub trait NotNmi: Context {}

/// Contexts that may sleep. Helpers that allocate ask for this, so that they work inside a NOFS or
/// NOIO scope too.
#[diagnostic::on_unimplemented(
    message = "this may sleep, which `{Self}` does not permit",
    label = "sleeping is not allowed in this context",
    note = "do it before the lock is taken or the interrupt comes, use `GfpAtomic` or `GfpNowait`, or hand the work to \
            process context"
)]
pub trait Sleep: Allocate<Flags: Sleeping> + NotInterrupt {
    /// The context of a scope here that must not start file-system I/O: [`NoFs`], or [`NoIo`]
    /// inside one.
    type NoFs<'a>: Sleep + Token;
    /// The context of a scope here that must not start I/O: [`NoIo`].
    type NoIo<'a>: Sleep<Flags = GfpNoIo> + Token;
}

/// Contexts outside of `memalloc_noreclaim_save()` scopes: where the kernel may promise memory, if
/// the flags wait for it.
#[diagnostic::on_unimplemented(
    message = "nothing is reclaimed in `{Self}`: the kernel cannot promise memory, and work items must not be waited for",
    label = "`.nofail()`, `flush_work` and the like are not allowed in this context",
    note = "inside a `memalloc_noreclaim_save()` scope allocations may fail, and a work item may wait for the memory that \
            is freed here; a helper that does either asks for `C: Sleep + Reclaim`"
)]
pub trait Reclaim: Context {}

/// Contexts inside a `memalloc_nofs_save()` scope, or a `memalloc_noio_save()` scope, which implies
/// it: what a function asks for that must be called in one.
///
/// ```
/// use kalloc::{context::InNoFs, prelude::*};
///
/// /// Called with the log locked, which file systems take to free memory.
/// fn log_entry<C: InNoFs>(cx: &C) -> Result<KBox<[u64; 8]>> {
///     Ok(KBox::zeroed(cx)?)
/// }
///
/// fn commit(task: &mut Task) -> Result<KBox<[u64; 8]>> {
///     task.nofs(|cx| log_entry(cx))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this must be called inside a NOFS scope",
    label = "`{Self}` is not in a NOFS scope",
    note = "enter one: `task.nofs(|cx| …)`"
)]
pub trait InNoFs: Sleep {}

/// Contexts inside a `memalloc_noio_save()` scope: what a function asks for that must be called in
/// one.
#[diagnostic::on_unimplemented(
    message = "this must be called inside a NOIO scope",
    label = "`{Self}` is not in a NOIO scope",
    note = "enter one: `task.noio(|cx| …)`"
)]
pub trait InNoIo: InNoFs {}

/// Contexts inside a `memalloc_noreclaim_save()` scope: what a function asks for that must be called
/// in one.
#[diagnostic::on_unimplemented(
    message = "this must be called inside a `memalloc_noreclaim_save()` scope",
    label = "`{Self}` is not in such a scope",
    note = "enter one: `task.noreclaim(|cx| …)`"
)]
pub trait InNoReclaim: Sleep {}

/// Contexts that may sleep and start I/O: not inside a NOIO scope.
#[diagnostic::on_unimplemented(
    message = "this may sleep and start I/O, which `{Self}` does not permit",
    label = "not allowed in this context",
    note = "inside a NOIO scope use `GfpNoIo`; where sleeping is not allowed use `GfpAtomic` or `GfpNowait`"
)]
pub trait SleepIo: Sleep {}

/// Contexts that may sleep, start I/O and call into file systems: not inside a NOFS or NOIO scope.
#[diagnostic::on_unimplemented(
    message = "this may sleep and call into file systems, which `{Self}` does not permit",
    label = "not allowed in this context",
    note = "where sleeping is not allowed use `GfpAtomic` or `GfpNowait`, or allocate before the lock is taken; inside a \
            NOFS or NOIO scope use `GfpNoFs` or `GfpNoIo`",
    note = "a call that takes no flags goes before the section or the scope, or into a work item"
)]
pub trait SleepFs: SleepIo {}

/// What an NMI handler may have shared: values through which no safe call takes a lock, or comes to
/// own what must not be dropped there.
///
/// In an NMI handler the kernel frees nothing, and a lock may be held by whoever was interrupted.
/// Dropping a box takes no token, so what a handler can get hold of has to be kept from it. It is
/// numbers, atomics and per-CPU integers, pools of objects, references to these, and structs of
/// them, which [`nmi_safe!`](crate::nmi_safe) declares:
///
/// ```
/// use core::sync::atomic::AtomicU64;
/// use kalloc::{nmi_safe, prelude::*};
///
/// nmi_safe! {
///     /// What the handler counts.
///     struct Watch {
///         seen: AtomicU64,
///         samples: ObjPool<[u64; 4]>,
///     }
/// }
/// ```
///
/// Statics are in every handler's reach, and no type sees them: a lock in one is as dangerous as it
/// is in C.
///
/// # Safety
///
/// With `&Self` safe code in an NMI handler can take no lock, and come to own no value with drop
/// glue other than kalloc's own for NMI handlers ([`NolockBox`](crate::nolock::NolockBox),
/// [`RcuBox`](crate::rcu::RcuBox), [`PoolBox`](crate::objpool::PoolBox)).
#[diagnostic::on_unimplemented(
    message = "an NMI handler must not have `{Self}`",
    label = "may lead to a lock, or to memory that is freed",
    note = "it may have numbers, atomics, `PerCpu` of integers, an `ObjPool` of what is `Copy`, and structs of these that \
            `nmi_safe!` declares"
)]
pub unsafe trait NmiSafe {}

macro_rules! plain {
    ($($name:ty)*) => {$(
        // SAFETY: It is a number, or one that is read and written in single accesses.
        unsafe impl NmiSafe for $name {}
    )*};
}

plain! {
    () bool char u8 i8 u16 i16 u32 i32 u64 i64 usize isize
    AtomicBool AtomicU8 AtomicI8 AtomicU16 AtomicI16 AtomicU32 AtomicI32 AtomicUsize AtomicIsize
}
#[cfg(CONFIG_64BIT)]
plain! { AtomicU64 AtomicI64 }

// SAFETY: It leads to a `T` as `&T`, which is safe.
unsafe impl<T: ?Sized + NmiSafe> NmiSafe for &T {}
// SAFETY: It has nothing but `T`s.
unsafe impl<T: NmiSafe> NmiSafe for [T] {}
// SAFETY: As above.
unsafe impl<T: NmiSafe, const N: usize> NmiSafe for [T; N] {}
// SAFETY: As above.
unsafe impl<T: NmiSafe> NmiSafe for Option<T> {}

/// Asks of a value that an NMI handler may have it, for [`nmi_safe!`](crate::nmi_safe).
#[doc(hidden)]
pub const fn nmi_safe<T: ?Sized + NmiSafe>(_: &T) {}

/// Declares a struct that an NMI handler may have: one whose fields are all [`NmiSafe`].
///
/// The struct and its fields have documentation and no other attributes: with another one (`#[cfg]`)
/// the struct might not be the one that is asked for its fields.
///
/// [`NmiSafe`]: crate::context::NmiSafe
#[macro_export]
macro_rules! nmi_safe {
    (
        $(#[doc = $doc:expr])*
        $vis:vis struct $name:ident {
            $($(#[doc = $field_doc:expr])* $field_vis:vis $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        $vis struct $name {
            $($(#[doc = $field_doc])* $field_vis $field: $type,)*
        }

        // A pattern without `..` names each field that the struct really has.
        const _: fn(&$name) = |whole| {
            let $name { $($field),* } = whole;
            $($crate::__macro::nmi_safe::<$type>($field);)*
        };

        // SAFETY: The struct has the fields that are declared above and no others, each of which the
        // function above asks whether an NMI handler may have it.
        unsafe impl $crate::__macro::NmiSafe for $name {}
    };
}

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
        $(#[$cfg])*
        const _: () = {
            const fn default_is_allowed<C: Allocate>() where C::Flags: AllowedIn<C> {}
            default_is_allowed::<$name>()
        };
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
