// SPDX-License-Identifier: GPL-2.0

//! The public API: one module for each subject, with only `pub use`.
//!
//! A module with the name of a kernel crate module re-exports all of it, so that `use kalloc::pci`
//! hides nothing. An item that kalloc replaces has the kernel crate's name: see
//! selftests/host/lib/names.

#[cfg(CONFIG_PREEMPT_COUNT)]
pub use crate::contexts::checked;
#[cfg(CONFIG_PCI)]
pub use crate::entry::bus::pci;
pub use crate::{
    alloc::{
        allocator,
        kmalloc,
        kvmalloc,
        vmalloc, //
    },
    devices::{
        devm,
        dma, //
    },
    entry::{
        bus::{
            driver,
            platform, //
        },
        in_flight,
        kthread,
        miscdevice,
        nmi,
        timer::{
            hrtimer,
            irq_work,
            timer, //
        },
        work, //
    },
    ground::node,
    memory::{
        boxed,
        interop,
        mempool,
        nolock,
        objpool,
        page,
        percpu,
        pooled,
        rcu,
        size,
        slab,
        vec, //
    },
};

pub mod gfp {
    //! GFP flags as types, and the grants that pair them with a context.
    //!
    //! C header: [`include/linux/gfp_types.h`](srctree/include/linux/gfp_types.h)
    //!
    //! The pages [GFP flags](pages/gfp.html) and [Flags and contexts](pages/matrix.html) say more.
    //!
    //! A base such as `GFP_KERNEL` or `GFP_ATOMIC` is one of C's combinations. Modifiers wrap a
    //! base. Flags that may not be combined do not compile, and neither do flags in a context that
    //! forbids them:
    //!
    //! ```
    //! use kalloc::prelude::*;
    //!
    //! fn buffers(task: &mut TaskCx) -> Result {
    //!     // GFP_KERNEL, the default of process context.
    //!     let _plain = KBox::<[u8; 64]>::new_uninit(&task)?;
    //!     // GFP_KERNEL | __GFP_ACCOUNT | __GFP_NORETRY
    //!     let _accounted = KBox::<[u8; 64]>::new_uninit(task.with(GFP_KERNEL.account().noretry()))?;
    //!     Ok(())
    //! }
    //! ```
    //!
    //! | constants | types | contexts |
    //! | --- | --- | --- |
    //! | [`GFP_KERNEL`], [`GFP_KERNEL_ACCOUNT`], [`GFP_USER`], [`GFP_HIGHUSER`], [`GFP_HIGHUSER_MOVABLE`] | [`GfpKernel`], … | [`MayFs`](crate::context::MayFs) |
    //! | [`GFP_NOFS`] | [`GfpNoFs`] | [`MayIo`](crate::context::MayIo) |
    //! | [`GFP_NOIO`] | [`GfpNoIo`] | [`MaySleep`](crate::context::MaySleep) |
    //! | [`GFP_ATOMIC`], [`GFP_NOWAIT`], [`GFP_NORECLAIM`] (`GFP_KERNEL & ~__GFP_RECLAIM`) | [`GfpAtomic`], … | [`MayAlloc`](crate::context::MayAlloc) |
    //!
    //! `__GFP_HIGH`, `__GFP_IO`, `__GFP_FS`, `__GFP_DIRECT_RECLAIM` and `__GFP_KSWAPD_RECLAIM` are
    //! parts of these and cannot be used alone. There are no flags at run time, no operator that
    //! clears bits, and no constructor from bits.

    pub use crate::{
        contexts::grant::{
            AllowedIn,
            Grant,
            Names,
            OnNode,
            With,
            WithFlags,
            WithZero, //
        },
        flags::{
            allocators::*,
            bases::*,
            gfp::{
                AllocFailed,
                AllocFailedWith,
                FlagsValue,
                Gfp, //
            },
            modifiers::*,
            properties::*, //
        },
    };
}

pub mod context {
    //! Contexts: tokens that say what code may do in the context that it runs in.
    //!
    //! The pages [Contexts](pages/contexts.html) and [Entry points](pages/entry.html) say more.
    //!
    //! A token is zero-sized, is not `Send`, and cannot be copied. A token only restricts: a
    //! [`RawCx`] token does not prove that interrupts are disabled. The contexts, from the least to
    //! the most strict:
    //!
    //! | token | where the kernel hands it out | default flags | may use |
    //! | --- | --- | --- | --- |
    //! | [`TaskCx`] | module init and exit, probe, [work items](crate::work), [threads](crate::kthread), [files](crate::miscdevice) | `GFP_KERNEL` | everything |
    //! | [`NoFsCx`], [`NoIoCx`] | a [scope](crate::scope) | `GFP_NOFS`, `GFP_NOIO` | may sleep; what the scope permits |
    //! | [`NoReclaimCx`] | a [scope](crate::scope) | `GFP_NOIO` | may sleep, does not reclaim; not `nofail` |
    //! | [`AtomicCx`] | a [spinlock or the RCU read side](crate::sync) | `GFP_ATOMIC` | nothing that sleeps |
    //! | [`BhCx`] | softirqs, timers, BH work, [bottom halves disabled](crate::irq) | `GFP_ATOMIC` | as [`AtomicCx`], no vmalloc |
    //! | [`IrqCx`] | `SpinLockIrq`, hard-IRQ handlers that RT may thread | `GFP_ATOMIC` | as [`BhCx`] |
    //! | [`RawCx`] | [interrupts or preemption disabled](crate::irq) | `GFP_ATOMIC`; none on RT | as [`IrqCx`]; on RT no allocator |
    //! | [`NmiCx`] | NMI handlers | none | no allocator |
    //!
    //! A section that must not sleep borrows the outer token exclusively. So no sleeping call
    //! compiles until the section ends: the outer token is borrowed, and the type of the section's
    //! token does not permit such flags.
    //!
    //! ```
    //! use kalloc::prelude::*;
    //! use kernel::sync::SpinLock;
    //!
    //! fn count(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result {
    //!     let _sleeps = KBox::new(&task, 1u32)?;
    //!     task.locked(lock, |count, cx| -> Result {
    //!         *count += 1;
    //!         let _does_not = KBox::new(&cx, *count)?;
    //!         Ok(())
    //!     })
    //! }
    //! ```
    //!
    //! A helper has a trait bound for the properties that it needs, instead of taking a certain
    //! token. So it works in every context with those properties:
    //!
    //! ```
    //! use kalloc::prelude::*;
    //!
    //! fn pair<C: MaySleep>(cx: &C) -> Result<(KBox<u8>, KBox<u8>)> {
    //!     Ok((KBox::new(cx, 1)?, KBox::new(cx, 2)?))
    //! }
    //! ```
    //!
    //! The types cannot check calls that take no token: the kernel crate's own `SpinLock::lock`,
    //! `rcu::read_lock`, `local_interrupt_disable` and allocators.

    pub use crate::contexts::{
        nmi_safe::NmiSafe,
        tokens::*,
        traits::{
            Context,
            InNoFs,
            InNoIo,
            InNoReclaim,
            IrqsOn,
            MayAlloc,
            MayFs,
            MayIo,
            MayReclaim,
            MaySleep,
            NotInterrupt,
            NotNmi,
            Weaken, //
        },
    };
}

pub mod scope {
    //! Scopes that exclude file-system I/O, all I/O, or reclaim from allocations.

    pub use crate::sections::scope::ScopeExt;
}

pub mod irq {
    //! Sections with interrupts or preemption disabled, whose token is
    //! [`RawCx`](crate::context::RawCx). Sections with bottom halves disabled, whose token is
    //! [`BhCx`](crate::context::BhCx). Interrupt handlers, which a driver requests [when it is
    //! bound](crate::driver::BoundScope::request_irq).
    //!
    //! C headers: [`include/linux/irqflags.h`](srctree/include/linux/irqflags.h),
    //! [`include/linux/preempt.h`](srctree/include/linux/preempt.h),
    //! [`include/linux/bottom_half.h`](srctree/include/linux/bottom_half.h),
    //! [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)
    //!
    //! The page [Interrupts, timers and NMIs](pages/interrupts.html) says more.
    //!
    //! Interrupts and preemption are disabled on `CONFIG_PREEMPT_RT` too. The allocators do not
    //! work in such a section there, so it must use memory that was allocated before. A section
    //! with bottom halves disabled can be preempted there, and can sleep on a spinlock.
    //!
    //! Each section has a closure form, which is preferred, and a guard form, the macro
    //! [`section!`](crate::section!).

    #[doc(no_inline)]
    pub use kernel::irq::*;

    #[cfg(CONFIG_PCI)]
    pub use crate::entry::bus::irq_vectors::{
        AllocVectors,
        Vectors, //
    };
    pub use crate::{
        entry::bus::irq_request::{
            AsConfigured,
            Flags,
            Handler,
            Hard,
            IrqRequest,
            IrqReturn,
            Kind,
            Oneshot,
            Reenabled,
            Threadable,
            ThreadedHandler,
            ThreadedIrqReturn,
            Triggered, //
        },
        sections::disable::{
            DisableBhExt,
            DisableExt, //
        },
    };
}

pub mod sync {
    //! Locks, the RCU read side, and sleeping waits, with the token of the section.
    //!
    //! The page [Contexts](pages/contexts.html) says more.
    //!
    //! | kalloc | C | token inside |
    //! | --- | --- | --- |
    //! | [`LockExt::locked`] of a [`SpinLock`] | `spin_lock()` | [`AtomicCx`] |
    //! | [`LockExt::locked_irq`] of a [`SpinLockIrq`] | `spin_lock_irqsave()` | [`IrqCx`] |
    //! | [`LockExt::read_locked`], [`LockExt::write_locked`] of a [`RwLock`] | `read_lock()`, `write_lock()` | [`AtomicCx`] |
    //! | [`RawLockExt::raw_locked`] of a [`RawSpinLock`] | `raw_spin_lock()` | [`RawCx`] |
    //! | [`RawLockExt::raw_locked_irq`] of a [`RawSpinLockIrq`] | `raw_spin_lock_irqsave()` | [`RawCx`] |
    //! | [`RcuReadExt::rcu_read`] | `rcu_read_lock()` | [`AtomicCx`] |
    //! | [`WaitExt::mutex_locked`] of a [`Mutex`] | `mutex_lock()` | the one before |
    //!
    //! In a context that is stricter than this, the token inside is that of the context.
    //! [`SpinLock`], [`SpinLockIrq`] and [`Mutex`] are the kernel crate's types, unchanged. The
    //! others are kalloc's.
    //!
    //! Each section has a closure form, which is preferred, and a guard form, the macro
    //! [`section!`](crate::section!), for code that does not fit in a closure.
    //!
    //! # Interrupts
    //!
    //! Data shared between an interrupt handler and other code needs a lock that disables the
    //! interrupt: a [`SpinLockIrq`] or [`RawSpinLockIrq`] against hard interrupts, a [`SpinLock`]
    //! within [`DisableBhExt::bh_off`](crate::irq::DisableBhExt::bh_off) against softirqs. No type
    //! records which interrupts take a [`SpinLock`] or an [`RwLock`]. So taking one without
    //! disabling them compiles and can deadlock, as a wrong lock order can. lockdep finds both.
    //! kalloc has no form of an [`RwLock`] that disables interrupts.
    //!
    //! # `CONFIG_PREEMPT_RT`
    //!
    //! A `spinlock_t` and an `rwlock_t` are sleeping locks there, and the irqsave variants leave
    //! interrupts enabled. So a context with interrupts or preemption disabled cannot take one. A
    //! `raw_spinlock_t` spins on every kernel. No allocation is possible under one on
    //! `CONFIG_PREEMPT_RT`.
    //!
    //! [`AtomicCx`]: crate::context::AtomicCx
    //! [`IrqCx`]: crate::context::IrqCx
    //! [`RawCx`]: crate::context::RawCx
    //! [`SpinLock`]: kernel::sync::SpinLock
    //! [`SpinLockIrq`]: kernel::sync::SpinLockIrq
    //! [`Mutex`]: kernel::sync::Mutex

    #[doc(no_inline)]
    pub use crate::series::sync::*;

    pub use crate::sections::{
        guards::ReadSide,
        lock::{
            LockExt,
            RawLockExt, //
        },
        raw_spinlock::{
            new_raw_spinlock,
            new_raw_spinlock_irq,
            RawSpinLock,
            RawSpinLockIrq, //
        },
        rcu::RcuReadExt,
        rwlock::{
            new_rwlock,
            RwLock, //
        },
        section::{
            Enter,
            Section, //
        },
        wait::WaitExt, //
    };
}
