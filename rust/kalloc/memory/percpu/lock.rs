// SPDX-License-Identifier: GPL-2.0

//! Values with a lock for each CPU.

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
        gfp::AllocFailed,
        matrix::ForPerCpu, //
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

/// A value in per-CPU memory that is used by one at a time: `local_lock_t` and what it protects.
///
/// A local lock protects against whatever else runs on its CPU, interrupts too, and costs no bus
/// lock: it disables interrupts. On `CONFIG_PREEMPT_RT` it is a spinlock for each CPU, which sleeps,
/// with interrupts on: not for code with interrupts or preemption disabled.
#[repr(C)]
pub struct LocalLock<T> {
    lock: Opaque<local_trylock_t>,
    value: UnsafeCell<T>,
}

// SAFETY: Its value is reached with the lock held.
unsafe impl<T: Send> Sync for LocalLock<T> {}
// SAFETY: It owns the value; a lock that nobody holds belongs to no thread.
unsafe impl<T: Send> Send for LocalLock<T> {}

impl<T> LocalLock<T> {
    /// The value, for a caller that has all of them to itself: of [`PerCpu::iter_mut`].
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

/// What [`PerCpu::locked`] makes its values from, made by
/// [`new_local_lock!`](crate::new_local_lock).
pub struct NewLocalLock<F> {
    value: F,
    name: &'static CStr,
    class: Pin<&'static LockClassKey>,
}

impl<F> NewLocalLock<F> {
    /// As [`new_local_lock!`](crate::new_local_lock), with a name and a lockdep class of the caller's.
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

/// Locked values, for [`PerCpu::locked`](crate::percpu::PerCpu::locked): `new_local_lock!(|cpu| …)`
/// or `new_local_lock!(|cpu| …, "name")`.
///
/// Each place that this stands in is a lockdep class of its own, as with the kernel crate's
/// `new_spinlock!`, so that the locks of two drivers are not taken for one.
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

/// Takes the lock of this CPU: where PREEMPT_RT waits, other kernels give NULL.
#[cfg(not(CONFIG_PREEMPT_RT))]
use kalloc_helper_local_trylock_irqsave as local_lock_irqsave;

#[cfg(CONFIG_PREEMPT_RT)]
use kalloc_helper_local_lock_irqsave as local_lock_irqsave;

impl<T> PerCpu<LocalLock<T>> {
    /// A locked value on each possible CPU, of what the closure of
    /// [`new_local_lock!`](crate::new_local_lock) makes of its number; wraps `alloc_percpu_gfp()` and
    /// `local_lock_init()`.
    ///
    /// Context: as [`PerCpu::zeroed`].
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
            // SAFETY: The memory is valid for writes of a `LocalLock<T>`. A caller that has the values
            // to itself may move them, and a lock that nobody holds knows no address of its own. Name
            // and class are static.
            unsafe {
                kalloc_helper_local_trylock_init(
                    (&raw mut (*local).lock).cast(),
                    new.name.as_char_ptr(),
                    new.class.as_ptr().cast(),
                )
            };
            // SAFETY: As above.
            unsafe { (&raw mut (*local).value).write(UnsafeCell::new((new.value)(cpu))) };
        }
        // INVARIANT: The memory is new, and was just initialised on each CPU.
        Ok(Self(memory, PhantomData))
    }

    /// Runs `f` with the lock of this CPU held, wraps `local_lock_irqsave()` and
    /// `local_unlock_irqrestore()`.
    ///
    /// `f` keeps the lock that was taken to its end, whatever it does. Should it enable interrupts
    /// (by dropping a guard of the kernel crate) and then be preempted or sleep, which is a mistake as
    /// with every spinlock, it may go on on another CPU, and the value is still its own.
    ///
    /// # Panics
    ///
    /// Where the lock of this CPU is taken: by `f`, which takes it again, or by code that was
    /// interrupted or preempted because it enabled interrupts. (On `CONFIG_PREEMPT_RT` it waits, in
    /// the first case for ever, as with any spinlock.) [`PerCpu::try_with`] returns instead.
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
        // SAFETY: By the invariant there is an initialised lock on each CPU. In the contexts of
        // `MayAlloc` it may be taken.
        let local = unsafe { local_lock_irqsave(self.0.as_ptr().cast(), &mut flags) };
        let Some(local) = NonNull::new(local) else {
            taken_twice::<T>()
        };
        // SAFETY: The lock at `local` was just taken, with these flags.
        unsafe { Self::locked_section(cx, local.cast(), flags, f) }
    }

    /// As [`PerCpu::with`], unless the lock of this CPU is taken; wraps `local_trylock_irqsave()`.
    ///
    /// Nothing on `CONFIG_PREEMPT_RT` in a hard interrupt, too, where the kernel tries no local lock.
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
        // SAFETY: The lock at `local` was just taken, with these flags.
        Some(unsafe { Self::locked_section(cx, NonNull::new(local)?.cast(), flags, f) })
    }

    /// Runs `f` and releases the lock.
    ///
    /// # Safety
    ///
    /// The lock at `local`, of one CPU's value, was just taken by this thread, which got `flags`.
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
        // SAFETY: By the contract of this function the lock beside the value is held until `f` has
        // returned, on whatever CPU this thread is then. It is given up below and nowhere else, so
        // nobody else uses the value.
        let value = unsafe { &mut *(*local.as_ptr()).value.get() };
        // SAFETY: With the lock held the code may do what `C::IrqCx` permits, and the token of the
        // context before is borrowed until it ends.
        let result = f(value, &mut unsafe { <C::IrqCx<'_> as Token>::token() });
        // SAFETY: By the contract of this function it is the lock that this thread took, with these
        // flags. It is named by its address and not by the CPU that this now runs on.
        unsafe { kalloc_helper_local_unlock_irqrestore(local.as_ptr().cast(), flags) };
        result
    }
}

/// Generic, so that it is in the object of its caller, where objtool sees that it does not return.
#[allow(clippy::extra_unused_type_parameters)]
#[cold]
#[inline(never)]
fn taken_twice<T>() -> ! {
    panic!("kalloc: a local lock taken twice")
}
