// SPDX-License-Identifier: GPL-2.0

//! [`LocalLock`]: per-CPU values protected by a `local_lock_t`.

use super::*;
use crate::{
    contexts::{
        grant::Grant,
        traits::{
            MayAlloc,
            Token, //
        },
    },
    flags::{
        allocators::ForPerCpu,
        gfp::AllocFailed, //
    },
};
use core::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::offset_of,
    pin::Pin,
    ptr::NonNull, //
};
use kalloc_bindings::*;
use kernel::{
    bindings::local_trylock_t,
    ffi::c_ulong,
    str::{
        CStr,
        CStrExt as _, //
    },
    sync::LockClassKey,
    types::Opaque, //
};

/// A value in per-CPU memory with the `local_lock_t` that protects it.
///
/// A local lock excludes everything else on its CPU, including interrupts, without a locked bus
/// cycle: it disables interrupts. On `CONFIG_PREEMPT_RT` it is a per-CPU sleeping spinlock with
/// interrupts enabled, so it is not for code with interrupts or preemption disabled.
#[doc(alias = "local_lock_t")]
#[repr(C)]
pub struct LocalLock<T> {
    lock: Opaque<local_trylock_t>,
    value: UnsafeCell<T>,
}

// SAFETY: The value is accessed only with the lock held.
unsafe impl<T: Send> Sync for LocalLock<T> {}
// SAFETY: It owns the value, and a lock that is not held belongs to no thread.
unsafe impl<T: Send> Send for LocalLock<T> {}

impl<T> LocalLock<T> {
    /// The value, if the caller has it exclusively, as from [`PerCpu::iter_mut`].
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// The argument of [`PerCpu::locked`], made by [`new_local_lock!`](crate::new_local_lock).
pub struct NewLocalLock<F> {
    value: F,
    name: &'static CStr,
    class: Pin<&'static LockClassKey>,
}

impl<F> NewLocalLock<F> {
    /// As [`new_local_lock!`](crate::new_local_lock), with the caller's name and lockdep class.
    #[inline]
    pub const fn new<T>(value: F, name: &'static CStr, class: Pin<&'static LockClassKey>) -> Self
    where
        F: FnMut(u32) -> T,
    {
        Self { value, name, class }
    }
}

impl<F> fmt::Debug for NewLocalLock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewLocalLock")
    }
}

/// Initialises locked values, for [`PerCpu::locked`](crate::percpu::PerCpu::locked):
/// `new_local_lock!(|cpu| …)` or `new_local_lock!(|cpu| …, "name")`.
///
/// Each use of the macro is a lockdep class, as of the kernel crate's `new_spinlock!`, so that
/// lockdep tells the locks of two drivers apart.
#[doc(alias = "local_lock_init")]
#[macro_export]
macro_rules! new_local_lock {
    ($value:expr $(, $name:literal)? $(,)?) => {
        $crate::percpu::NewLocalLock::new(
            $value,
            $crate::__macro::kernel::optional_name!($($name)?),
            $crate::__macro::kernel::static_lock_class!(),
        )
    };
}

/// Takes the lock of this CPU. If it is held, PREEMPT_RT waits, and other kernels return NULL.
#[cfg(not(CONFIG_PREEMPT_RT))]
use kalloc_helper_local_trylock_irqsave as local_lock_irqsave;

#[cfg(CONFIG_PREEMPT_RT)]
use kalloc_helper_local_lock_irqsave as local_lock_irqsave;

impl<T> PerCpu<LocalLock<T>> {
    /// A locked value on each possible CPU, wraps `alloc_percpu_gfp()` and `local_lock_init()`. The
    /// closure of [`new_local_lock!`](crate::new_local_lock) makes each value from the CPU's
    /// number.
    ///
    /// # Context
    ///
    /// As [`PerCpu::zeroed`].
    ///
    /// # Errors
    ///
    /// As [`PerCpu::zeroed`].
    ///
    /// ```
    /// use kalloc::{percpu::{new_local_lock, LocalLock}, prelude::*};
    ///
    /// /// What each CPU has put aside.
    /// fn spares(task: &TaskCx) -> Result<PerCpu<LocalLock<Option<KBox<[u64; 8]>>>>> {
    ///     Ok(PerCpu::locked(task, new_local_lock!(|_cpu| None))?)
    /// }
    ///
    /// fn spare(cx: &mut AtomicCx<'_>, spares: &PerCpu<LocalLock<Option<KBox<[u64; 8]>>>>) -> Option<KBox<[u64; 8]>> {
    ///     spares.with(cx, |spare, _cx| spare.take())
    /// }
    /// ```
    #[inline]
    pub fn locked<G>(
        grant: G,
        mut new: NewLocalLock<impl FnMut(u32) -> T>,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPerCpu>,
    {
        let memory = Self::alloc(grant)?;
        for cpu in possible_cpus() {
            let local = per_cpu_ptr(memory.as_ptr(), cpu);
            // SAFETY: The memory is valid for writes of a `LocalLock<T>`. A caller with exclusive
            // access may move the values: a lock that is not held stores no address of its own.
            // Name and class are static.
            unsafe {
                kalloc_helper_local_trylock_init(
                    (&raw mut (*local).lock).cast(),
                    new.name.as_char_ptr(),
                    new.class.as_ptr().cast(),
                )
            };
            // SAFETY: The memory is valid for writes of a `LocalLock<T>`.
            unsafe { (&raw mut (*local).value).write(UnsafeCell::new((new.value)(cpu))) };
        }
        // INVARIANT: The memory is new and was initialised on each CPU above.
        Ok(Self(memory, PhantomData))
    }

    /// Calls `f` with the lock of this CPU held, wraps `local_lock_irqsave()` and
    /// `local_unlock_irqrestore()`.
    ///
    /// The lock is held until `f` returns. If `f` enables interrupts, by dropping a guard of the
    /// kernel crate, and then sleeps or is preempted, which is a bug under every spinlock, it may
    /// continue on another CPU. It still has the value exclusively.
    ///
    /// # Panics
    ///
    /// If the lock of this CPU is held: by `f`, which takes it again, or by code that enabled
    /// interrupts and was interrupted or preempted. On `CONFIG_PREEMPT_RT` this waits instead, in
    /// the first case forever, as with any spinlock. [`PerCpu::try_with`] returns instead.
    ///
    /// ```
    /// use kalloc::{percpu::LocalLock, prelude::*};
    ///
    /// type Cache = PerCpu<LocalLock<Option<KBox<u64>>>>;
    ///
    /// fn take(cx: &mut AtomicCx<'_>, cache: &Cache) -> Option<KBox<u64>> {
    ///     cache.with(cx, |slot, _cx| slot.take())
    /// }
    /// ```
    #[doc(alias("local_lock_irqsave", "local_unlock_irqrestore"))]
    #[inline]
    pub fn with<C: MayAlloc, R>(
        &self,
        cx: &mut C,
        f: impl for<'x> FnOnce(&mut T, &mut C::IrqCx<'x>) -> R,
    ) -> R
    where
        T: Send,
    {
        let mut flags: c_ulong = 0;
        // SAFETY: Invariant of `PerCpu`: there is an initialised lock on each CPU. It may be taken
        // in the contexts of `MayAlloc`.
        let local = unsafe { local_lock_irqsave(self.0.as_ptr().cast(), &mut flags) };
        let Some(local) = NonNull::new(local) else {
            taken_twice::<T>()
        };
        // SAFETY: The lock at `local` was taken above, with these flags.
        unsafe { Self::locked_section(cx, local.cast(), flags, f) }
    }

    /// As [`PerCpu::with`], but returns `None` if the lock of this CPU is held. Wraps
    /// `local_trylock_irqsave()`.
    ///
    /// Returns `None` in hard interrupts on `CONFIG_PREEMPT_RT`, where the kernel does not try
    /// local locks.
    ///
    /// ```
    /// use kalloc::{percpu::LocalLock, prelude::*};
    ///
    /// fn count(cx: &mut IrqCx<'_>, counts: &PerCpu<LocalLock<u64>>) -> Option<u64> {
    ///     counts.try_with(cx, |count, _cx| {
    ///         *count += 1;
    ///         *count
    ///     })
    /// }
    /// ```
    #[doc(alias = "local_trylock_irqsave")]
    #[inline]
    pub fn try_with<C: MayAlloc, R>(
        &self,
        cx: &mut C,
        f: impl for<'x> FnOnce(&mut T, &mut C::IrqCx<'x>) -> R,
    ) -> Option<R>
    where
        T: Send,
    {
        let mut flags: c_ulong = 0;
        // SAFETY: As in `with`.
        let local =
            unsafe { kalloc_helper_local_trylock_irqsave(self.0.as_ptr().cast(), &mut flags) };
        // SAFETY: The lock at `local` was taken above, with these flags.
        Some(unsafe { Self::locked_section(cx, NonNull::new(local)?.cast(), flags, f) })
    }

    /// Calls `f` and releases the lock.
    ///
    /// # Safety
    ///
    /// This thread has taken the lock at `local`, and got `flags`.
    #[inline(always)]
    unsafe fn locked_section<C: MayAlloc, R>(
        _cx: &mut C,
        local: NonNull<LocalLock<T>>,
        flags: c_ulong,
        f: impl for<'x> FnOnce(&mut T, &mut C::IrqCx<'x>) -> R,
    ) -> R
    where
        T: Send,
    {
        const { assert!(offset_of!(LocalLock<T>, lock) == 0) };
        // SAFETY: `# Safety`: the lock next to the value is held. It stays held until `f` returns,
        // on whatever CPU, since only the call below releases it. So the access is exclusive.
        let value = unsafe { &mut *(*local.as_ptr()).value.get() };
        // SAFETY: With the lock held the code may do what `C::IrqCx` permits. The token of the
        // outer context is borrowed until then.
        let result = f(value, &mut unsafe { <C::IrqCx<'_> as Token>::token() });
        // SAFETY: `# Safety`: this thread took the lock, with these flags. The lock is found by its
        // address, not by the current CPU.
        unsafe { kalloc_helper_local_unlock_irqrestore(local.as_ptr().cast(), flags) };
        result
    }
}

/// Generic, so that it is in the caller's object file, where objtool sees that it does not return.
#[allow(clippy::extra_unused_type_parameters)]
#[cold]
#[inline(never)]
fn taken_twice<T>() -> ! {
    panic!("kalloc: a local lock taken twice")
}
