// SPDX-License-Identifier: GPL-2.0

//! Traits that say what a context permits. Helper functions have them as bounds.
//!
//! `contexts/grant.rs` says how flags, contexts and allocators are checked together.

use crate::{
    flags::{
        allocators::{
            DefaultFlags,
            SleepingFlags, //
        },
        bases::{
            GfpAtomic,
            GfpNoIo, //
        },
    },
    ground::sealed::Sealed, //
};

/// A token type. `&mut` of a token is a [`Context`], but not a [`Token`].
// The trait is public because it is a bound in public traits.
#[allow(unreachable_pub)]
pub trait Token: Context + Sized {
    /// Makes the token.
    ///
    /// # Safety
    ///
    /// For as long as the token lives, the code that has it is in a context that permits all that
    /// the token's type permits, and can reach no token that permits more.
    unsafe fn token() -> Self;
}

/// Any context. The bound of a helper that only passes its token on.
///
/// A context is a token or `&mut` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a context",
    label = "a token such as `TaskCx` or `AtomicCx<'_>` is expected here",
    note = "tokens come from kalloc's entry points (module init, a lock, an interrupt handler) and not from a driver"
)]
pub trait Context: Sealed {
    /// The context of a section or callee that must not sleep:
    /// [`AtomicCx`](crate::context::AtomicCx), or this context where it is stricter.
    type AtomicCx<'a>: Token;
    /// The context of a section or callee that may run in a softirq:
    /// [`BhCx`](crate::context::BhCx), or this context where it is stricter.
    type BhCx<'a>: Token;
    /// The context of a section or callee that may run in a hard interrupt:
    /// [`IrqCx`](crate::context::IrqCx), or this context where it is stricter.
    type IrqCx<'a>: Token;
    /// The context of a section or callee with interrupts or preemption disabled:
    /// [`RawCx`](crate::context::RawCx), or [`NmiCx`](crate::context::NmiCx).
    type RawCx<'a>: Token;
}

/// Decides both whether the allocators may be called and whether a `spinlock_t` may be taken: in
/// all contexts except [`NmiCx`](crate::context::NmiCx), and on `CONFIG_PREEMPT_RT`
/// [`RawCx`](crate::context::RawCx).
#[diagnostic::on_unimplemented(
    message = "no allocator may be called and no spinlock taken in `{Self}`",
    label = "not allowed in this context",
    note = "an NMI handler, and on PREEMPT_RT code with interrupts or preemption disabled, has to use memory that was \
            allocated before",
    note = "where `task` is a reference already (`task: &TaskCx`), the grant is `task` and not `&task`"
)]
pub trait MayAlloc: Context {
    /// The default flags: those of `KBox::new(&cx, …)`.
    type Flags: DefaultFlags;

    /// The context of code that holds a spinlock: [`Context::AtomicCx`], in which the allocators
    /// still work.
    type Locked<'a>: MayAlloc<Flags = GfpAtomic> + Token;

    /// The context of code that holds a spinlock with interrupts off: [`Context::IrqCx`], in which
    /// the allocators still work.
    type LockedIrq<'a>: MayAlloc<Flags = GfpAtomic> + Token;
}

/// Contexts in which interrupts are on. The kernel's bulk functions and `local_bh_disable()`
/// require that.
#[diagnostic::on_unimplemented(
    message = "interrupts may be disabled in `{Self}`",
    label = "this needs interrupts enabled",
    note = "the kernel's bulk functions and `local_bh_disable()` are for process context, held spinlocks and softirqs; \
            allocate one by one here"
)]
pub trait IrqsOn: MayAlloc {
    /// The context of a section with bottom halves disabled, in which the allocators still work:
    /// [`BhCx`](crate::context::BhCx).
    type BhOff<'a>: IrqsOn<Flags = GfpAtomic> + Token;
}

/// Passing a callee a token that permits less than the caller's.
///
/// ```
/// use kalloc::prelude::*;
///
/// fn from_anywhere(cx: &mut AtomicCx<'_>) -> Result<KBox<u32>> {
///     Ok(KBox::new(&cx, 1)?)
/// }
///
/// fn from_process_context(task: &mut TaskCx) -> Result<KBox<u32>> {
///     from_anywhere(&mut task.as_atomic())
/// }
/// ```
pub trait Weaken: Context {
    /// A weaker token, for a callee that takes an [`AtomicCx`](crate::context::AtomicCx). It
    /// borrows this token.
    #[inline(always)]
    fn as_atomic(&mut self) -> Self::AtomicCx<'_> {
        // SAFETY: The token permits no more than `self`, which is borrowed for as long as the token
        // lives.
        unsafe { Token::token() }
    }

    /// A weaker token, for a callee that takes a [`BhCx`](crate::context::BhCx). It borrows this
    /// token.
    #[inline(always)]
    fn as_bh(&mut self) -> Self::BhCx<'_> {
        // SAFETY: The token permits no more than `self`, which is borrowed for as long as the token
        // lives.
        unsafe { Token::token() }
    }

    /// A weaker token, for a callee that takes an [`IrqCx`](crate::context::IrqCx). It borrows this
    /// token.
    #[inline(always)]
    fn as_irq(&mut self) -> Self::IrqCx<'_> {
        // SAFETY: The token permits no more than `self`, which is borrowed for as long as the token
        // lives.
        unsafe { Token::token() }
    }

    /// A weaker token, for a callee that takes a [`RawCx`](crate::context::RawCx). It borrows this
    /// token.
    #[inline(always)]
    fn as_raw(&mut self) -> Self::RawCx<'_> {
        // SAFETY: The token permits no more than `self`, which is borrowed for as long as the token
        // lives.
        unsafe { Token::token() }
    }
}
impl<C: Context> Weaken for C {}

/// Contexts known not to be hard or soft interrupts: all except [`BhCx`](crate::context::BhCx) and
/// stricter ones.
///
/// The bound of vmalloc calls that must not sleep. vmalloc crashes the kernel in a hard interrupt,
/// and takes locks that are not safe against softirqs.
#[diagnostic::on_unimplemented(
    message = "vmalloc cannot be called in an interrupt, which `{Self}` may be",
    label = "not allowed in this context",
    note = "allocate before the interrupt comes or bottom halves are disabled, hand the work to process context, or use \
            `KBox`, for at most `kmalloc::MAX_SIZE`"
)]
pub trait NotInterrupt: MayAlloc {}

/// Contexts outside an NMI handler, in which a raw spinlock may be taken.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is an NMI handler",
    label = "not allowed in an NMI handler",
    note = "an NMI may interrupt the holder of the lock: queue an `irq_work`, or use lock-free types"
)]
pub trait NotNmi: Context {}

/// Contexts that may sleep. The bound of a helper that allocates, so that the helper also works
/// inside a NOFS or NOIO scope.
#[diagnostic::on_unimplemented(
    message = "this may sleep, which `{Self}` does not permit",
    label = "sleeping is not allowed in this context",
    note = "call it before the lock is taken or the interrupt comes, use `GFP_ATOMIC` or `GFP_NOWAIT`, or queue a work \
            item"
)]
#[doc(alias = "might_sleep")]
pub trait MaySleep: MayAlloc<Flags: SleepingFlags> + NotInterrupt {
    /// The context of a NOFS scope: [`NoFsCx`](crate::context::NoFsCx), or this context where it is
    /// stricter.
    type NoFsCx<'a>: MaySleep + Token;
    /// The context of a NOIO scope: [`NoIoCx`](crate::context::NoIoCx), or this context where it is
    /// stricter.
    type NoIoCx<'a>: MaySleep<Flags = GfpNoIo> + Token;
}

/// Contexts outside `memalloc_noreclaim_save()` scopes. `__GFP_NOFAIL` is permitted in them, with
/// flags that may sleep.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is in a no-reclaim scope: the kernel cannot guarantee memory, and waiting for a work item may deadlock",
    label = "`.nofail()`, `flush_work` and the like are not allowed in this context",
    note = "inside a `memalloc_noreclaim_save()` scope allocations may fail, and a work item may wait for the memory that \
            is freed here; a helper that does either has the bound `C: MaySleep + MayReclaim`"
)]
pub trait MayReclaim: Context {}

/// Contexts inside a `memalloc_nofs_save()` scope, or a `memalloc_noio_save()` scope, which implies
/// NOFS. The bound of a function that must be called inside such a scope.
///
/// ```
/// use kalloc::{context::InNoFs, prelude::*};
///
/// /// Called with the log locked, which file systems take to free memory.
/// fn log_entry<C: InNoFs>(cx: &C) -> Result<KBox<[u64; 8]>> {
///     Ok(KBox::zeroed(cx)?)
/// }
///
/// fn commit(task: &mut TaskCx) -> Result<KBox<[u64; 8]>> {
///     task.nofs(|cx| log_entry(cx))
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this must be called inside a NOFS scope",
    label = "`{Self}` is not in a NOFS scope",
    note = "enter one: `task.nofs(|cx| …)`"
)]
pub trait InNoFs: MaySleep {}

/// Contexts inside a `memalloc_noio_save()` scope. The bound of a function that must be called
/// inside such a scope.
#[diagnostic::on_unimplemented(
    message = "this must be called inside a NOIO scope",
    label = "`{Self}` is not in a NOIO scope",
    note = "enter one: `task.noio(|cx| …)`"
)]
pub trait InNoIo: InNoFs {}

/// Contexts inside a `memalloc_noreclaim_save()` scope. The bound of a function that must be called
/// inside such a scope.
#[diagnostic::on_unimplemented(
    message = "this must be called inside a `memalloc_noreclaim_save()` scope",
    label = "`{Self}` is not in such a scope",
    note = "enter one: `task.noreclaim(|cx| …)`"
)]
pub trait InNoReclaim: MaySleep {}

/// Contexts that may sleep and start I/O: those outside NOIO scopes.
#[diagnostic::on_unimplemented(
    message = "this may sleep and start I/O, which `{Self}` does not permit",
    label = "not allowed in this context",
    note = "inside a NOIO scope use `GFP_NOIO`; where sleeping is not allowed use `GFP_ATOMIC` or `GFP_NOWAIT`"
)]
pub trait MayIo: MaySleep {}

/// Contexts that may sleep, start I/O and call into file systems: those outside NOFS and NOIO
/// scopes.
#[diagnostic::on_unimplemented(
    message = "this may sleep and call into file systems, which `{Self}` does not permit",
    label = "not allowed in this context",
    note = "where sleeping is not allowed use `GFP_ATOMIC` or `GFP_NOWAIT`, or allocate before the lock is taken; inside a \
            NOFS or NOIO scope use `GFP_NOFS` or `GFP_NOIO`",
    note = "a call that takes no flags goes before the section or the scope, or into a work item"
)]
pub trait MayFs: MayIo {}
