// SPDX-License-Identifier: GPL-2.0

//! [`PerCpu`]: a value for each CPU.
//!
//! C headers: [`include/linux/percpu.h`](srctree/include/linux/percpu.h),
//! [`include/linux/local_lock.h`](srctree/include/linux/local_lock.h)
//!
//! The page [Per-CPU memory](pages/percpu.html) says more.
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`PerCpu::from_fn`], [`PerCpu::zeroed`] | `alloc_percpu_gfp()` |
//! | drop | `free_percpu()` |
//! | [`PerCpu::pin`] | `preempt_disable()`, `this_cpu_ptr()`, `preempt_enable()` |
//! | [`PerCpu::get`] | `this_cpu_ptr()` |
//! | [`PerCpu::iter`] | `for_each_possible_cpu()`, `per_cpu_ptr()` |
//! | [`PerCpu::this_cpu`], [`PerCpu::at`] with [`ThisCpu::add`], … | `this_cpu_add()`, … |
//! | [`PerCpu::<LocalLock<T>>::locked`], [`new_local_lock!`](crate::new_local_lock) | `alloc_percpu_gfp()`, `local_lock_init()` |
//! | [`PerCpu::<LocalLock<T>>::with`] | `local_lock_irqsave()`, `local_unlock_irqrestore()` |
//! | [`PerCpu::<LocalLock<T>>::try_with`] | `local_trylock_irqsave()`, `local_unlock_irqrestore()` |
//!
//! Code that stays on a CPU is not alone there: it may be interrupted, and other CPUs may read its
//! values. So a value is accessed by `&T`, and `T` needs interior mutability:
//!
//! * [`CpuLocal<u64>`](CpuLocal), an integer with C's this_cpu operations: each is one instruction
//!   on x86-64, atomic with respect to interrupts of the CPU;
//! * atomics;
//! * [`LocalLock<T>`], which gives `&mut T`.
//!
//! ```
//! use kalloc::{percpu::{field, CpuLocal}, prelude::*};
//!
//! #[derive(Default)]
//! struct Stats { packets: CpuLocal<u64>, bytes: CpuLocal<u64> }
//!
//! fn stats(task: &TaskCx) -> Result<PerCpu<Stats>> {
//!     Ok(PerCpu::from_fn(task, |_cpu| Stats::default())?)
//! }
//!
//! /// In every context.
//! fn count(stats: &PerCpu<Stats>, len: u64) {
//!     stats.at(field!(Stats, packets)).inc();
//!     stats.at(field!(Stats, bytes)).add(len);
//! }
//!
//! fn total(stats: &PerCpu<Stats>) -> u64 {
//!     stats.at(field!(Stats, bytes)).sum()
//! }
//! ```

mod integer;
mod lock;

pub use crate::{field, new_local_lock};
pub use integer::{CpuLocal, Field, ThisCpu};
pub use lock::{LocalLock, NewLocalLock};

use crate::{
    alloc::deferred_free,
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::Context, //
    },
    flags::gfp::Gfp,
    flags::{
        allocators::ForPerCpu,
        gfp::AllocFailed, //
    },
    sections::disable::DisableExt,
    sections::{
        guards::{
            IrqGuard,
            PreemptGuard, //
        },
        section::{
            Enter,
            Section, //
        },
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::needs_drop,
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    page::PAGE_SIZE,
    prelude::Zeroable, //
};

/// The size of the largest value in bytes, `PCPU_MIN_UNIT_SIZE`.
pub const MAX_SIZE: usize = KALLOC_CONST_PCPU_MIN_UNIT_SIZE;

/// A `T` for each possible CPU. Dropping it calls `free_percpu()`.
///
/// # Invariants
///
/// The pointer is from `pcpu_alloc()`, to owned memory for a `T` on each possible CPU. Each `T` is
/// initialised.
#[doc(alias = "free_percpu")]
pub struct PerCpu<T>(NonNull<T>, PhantomData<T>);

// SAFETY: It owns the `T`s, and any thread may call `free_percpu()`.
unsafe impl<T: Send> Send for PerCpu<T> {}
// SAFETY: A shared one gives `&T` on every CPU, and a locked `&mut T` only if `T: Send`.
unsafe impl<T: Sync> Sync for PerCpu<T> {}

// SAFETY: A shared one gives only `&T`, and `T` is `NmiSafe`.
unsafe impl<T: NmiSafe> NmiSafe for PerCpu<T> {}

/// Iterates over the possible CPUs.
fn possible_cpus() -> impl Iterator<Item = u32> {
    let mut next = 0;
    core::iter::from_fn(move || {
        // SAFETY: The helper accepts every number.
        let cpu = unsafe { kalloc_helper_possible_cpu(next) };
        (cpu < kernel::cpu::nr_cpu_ids()).then(|| {
            next = cpu + 1;
            cpu
        })
    })
}

impl<T> PerCpu<T> {
    /// Zeroed memory, wraps `alloc_percpu_gfp()`.
    #[inline]
    fn alloc<G>(_grant: G) -> Result<NonNull<T>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPerCpu>,
    {
        const {
            assert!(size_of::<T>() != 0, "per-CPU memory of no size");
            assert!(size_of::<T>() <= MAX_SIZE, "larger than PCPU_MIN_UNIT_SIZE");
            assert!(
                align_of::<T>() <= PAGE_SIZE,
                "per-CPU memory is aligned to at most a page"
            );
            assert!(
                !G::ON_NODE,
                "per-CPU memory is on the node of each CPU: a grant for one node has no effect"
            );
        };
        // On PREEMPT_RT a deferred free links the memory into a list.
        let (size, align) = if cfg!(CONFIG_PREEMPT_RT) {
            (
                size_of::<T>().max(size_of::<usize>()),
                align_of::<T>().max(align_of::<usize>()),
            )
        } else {
            (size_of::<T>(), align_of::<T>())
        };
        // SAFETY: The grant proves that the flags are legal in this context.
        NonNull::new(unsafe { calls::alloc_percpu(size, align, G::Flags::BITS) }.cast())
            .ok_or_else(G::Flags::failed)
    }

    /// A zeroed value on each CPU, wraps `alloc_percpu_gfp()`.
    ///
    /// # Context
    ///
    /// Any context that allows the flags of the grant. Without flags that sleep only memory that
    /// the per-CPU allocator already has can be allocated.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails, and, with flags that sleep, if the thread was
    /// killed. A type without size, larger than [`MAX_SIZE`] or aligned to more than a page does
    /// not compile. Nor does a grant with a node.
    ///
    /// ```
    /// use kalloc::{percpu::CpuLocal, prelude::*};
    ///
    /// fn counter(task: &TaskCx) -> Result<PerCpu<CpuLocal<u64>>> {
    ///     Ok(PerCpu::zeroed(task)?)
    /// }
    /// ```
    #[doc(alias("alloc_percpu", "alloc_percpu_gfp"))]
    #[inline]
    pub fn zeroed<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForPerCpu>,
    {
        // INVARIANT: The memory is new and zeroed, and `T: Zeroable`.
        Ok(Self(Self::alloc(grant)?, PhantomData))
    }

    /// A value on each possible CPU. `f` makes each from the CPU's number. Wraps
    /// `alloc_percpu_gfp()`.
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
    /// use core::sync::atomic::AtomicU64;
    /// use kalloc::prelude::*;
    ///
    /// /// Numbers that no two CPUs give out: each begins elsewhere.
    /// fn numbers(task: &TaskCx) -> Result<PerCpu<AtomicU64>> {
    ///     Ok(PerCpu::from_fn(task, |cpu| AtomicU64::new(u64::from(cpu) << 48))?)
    /// }
    /// ```
    #[doc(alias("alloc_percpu", "alloc_percpu_gfp"))]
    #[inline]
    pub fn from_fn<G>(grant: G, mut f: impl FnMut(u32) -> T) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPerCpu>,
    {
        let memory = Self::alloc(grant)?;
        for cpu in possible_cpus() {
            // SAFETY: The CPU is possible, so its memory is valid for writes of a `T`.
            unsafe { per_cpu_ptr(memory.as_ptr(), cpu).write(f(cpu)) };
        }
        // INVARIANT: The memory is new and was initialised on each CPU above.
        Ok(Self(memory, PhantomData))
    }

    /// Calls `f` with the value of the current CPU, with preemption disabled. Wraps
    /// `preempt_disable()`, `this_cpu_ptr()` and `preempt_enable()`.
    ///
    /// `f` gets the token of a section with preemption disabled.
    ///
    /// ```
    /// use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// use kalloc::prelude::*;
    ///
    /// fn visit(task: &mut TaskCx, seen: &PerCpu<AtomicU32>) -> u32 {
    ///     seen.pin(task, |seen, _cx| seen.fetch_add(1, Relaxed))
    /// }
    /// ```
    #[doc(alias("get_cpu_ptr", "put_cpu_ptr"))]
    #[inline(always)]
    pub fn pin<C: Context, R>(
        &self,
        cx: &mut C,
        f: impl for<'x> FnOnce(&T, &mut C::RawCx<'x>) -> R,
    ) -> R
    where
        T: Sync,
    {
        cx.preempt_off(|cx| f(self.this_cpu_ref(), cx))
    }

    /// The value of the current CPU, in a section that stays on that CPU. Wraps `this_cpu_ptr()`.
    ///
    /// ```
    /// use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// use kalloc::prelude::*;
    ///
    /// fn visit(task: &mut TaskCx, seen: &PerCpu<AtomicU32>) -> u32 {
    ///     section!(pinned = task, preempt_disable());
    ///     seen.get(&pinned).fetch_add(1, Relaxed)
    /// }
    /// ```
    #[doc(alias = "this_cpu_ptr")]
    #[inline(always)]
    pub fn get<'s, C: ?Sized, E>(&'s self, _section: &'s Section<'_, '_, C, E>) -> &'s T
    where
        E: Enter<C, Guard: Pinned>,
        T: Sync,
    {
        self.this_cpu_ref()
    }

    /// The value of the CPU that runs this. The thread may migrate afterwards.
    #[inline(always)]
    fn this_cpu_ref(&self) -> &T {
        // SAFETY: Invariant of `PerCpu`: there is an initialised `T` on every CPU, so migration
        // does no harm.
        unsafe { &*raw_cpu_ptr(self.0.as_ptr()) }
    }

    /// Iterates over the values of all possible CPUs, wraps `for_each_possible_cpu()` and
    /// `per_cpu_ptr()`.
    #[doc(alias("for_each_possible_cpu", "per_cpu_ptr"))]
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &T>
    where
        T: Sync,
    {
        // SAFETY: Invariant of `PerCpu`: there is an initialised `T` on each possible CPU.
        possible_cpus().map(|cpu| unsafe { &*per_cpu_ptr(self.0.as_ptr(), cpu) })
    }

    /// Iterates over the values of all possible CPUs, mutably.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        // SAFETY: Invariant of `PerCpu`: there is an initialised `T` on each possible CPU. They do
        // not overlap, and are borrowed exclusively.
        possible_cpus().map(|cpu| unsafe { &mut *per_cpu_ptr(self.0.as_ptr(), cpu) })
    }

    /// The value of whichever CPU runs the operation, for [this_cpu operations](ThisCpu).
    ///
    /// ```
    /// use kalloc::{percpu::CpuLocal, prelude::*};
    ///
    /// fn count(counter: &PerCpu<CpuLocal<u64>>) {
    ///     counter.this_cpu().inc();
    /// }
    /// ```
    #[inline(always)]
    pub fn this_cpu(&self) -> ThisCpu<'_, T>
    where
        T: Sync,
    {
        // INVARIANT: Invariant of `PerCpu`: a `T` on each possible CPU.
        ThisCpu(self.0.as_ptr(), PhantomData)
    }

    /// A field of the value of whichever CPU runs the operation, for [this_cpu
    /// operations](ThisCpu).
    ///
    /// ```
    /// use kalloc::{percpu::{field, CpuLocal}, prelude::*};
    ///
    /// struct Stats { by_size: [CpuLocal<u32>; 8], bytes: CpuLocal<u64> }
    ///
    /// fn count(stats: &PerCpu<Stats>, len: u64) {
    ///     stats.at(field!(Stats, bytes)).add(len);
    ///     stats.at(field!(Stats, by_size)).index(len as usize / 256).inc();
    /// }
    /// ```
    #[inline(always)]
    pub fn at<F>(&self, field: Field<T, F>) -> ThisCpu<'_, F>
    where
        T: Sync,
    {
        self.this_cpu().field(field)
    }
}

impl<T> Drop for PerCpu<T> {
    #[inline]
    fn drop(&mut self) {
        if const { needs_drop::<T>() } {
            for cpu in possible_cpus() {
                // SAFETY: Invariant of `PerCpu`: there is an initialised `T` on each possible CPU.
                // It is not used again.
                unsafe { ptr::drop_in_place(per_cpu_ptr(self.0.as_ptr(), cpu)) };
            }
        }
        // SAFETY: Invariant of `PerCpu`: owned memory of `pcpu_alloc()`.
        unsafe { deferred_free::free_percpu(self.0.as_ptr().cast()) };
    }
}

impl<T> fmt::Debug for PerCpu<T>
where
    T: Sync + fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Wraps `per_cpu_ptr()`. The CPU is possible.
#[inline(always)]
fn per_cpu_ptr<T>(memory: *mut T, cpu: u32) -> *mut T {
    // SAFETY: It computes an address, and the CPU is possible.
    unsafe { kalloc_helper_per_cpu_ptr(memory.cast(), cpu) }.cast()
}

/// Wraps `raw_cpu_ptr()`.
#[cfg(not(all(CONFIG_X86_64, CONFIG_SMP)))]
#[inline(always)]
fn raw_cpu_ptr<T>(memory: *mut T) -> *mut T {
    // SAFETY: It computes an address.
    unsafe { kalloc_helper_raw_cpu_ptr(memory.cast()) }.cast()
}

/// Wraps `raw_cpu_ptr()`.
#[cfg(all(CONFIG_X86_64, CONFIG_SMP))]
#[inline(always)]
fn raw_cpu_ptr<T>(memory: *mut T) -> *mut T {
    let offset: usize;
    // SAFETY: It reads the CPU's own offset, as C's macro does.
    unsafe {
        core::arch::asm!(
            "mov {}, qword ptr gs:[rip + this_cpu_off]",
            out(reg) offset,
            options(pure, readonly, nostack, preserves_flags)
        )
    };
    memory.wrapping_byte_add(offset)
}

mod private {
    pub trait Sealed {}
}
use private::Sealed;

/// Guards of sections that stay on a CPU.
#[diagnostic::on_unimplemented(
    message = "a section of `{Self}` does not stay on its CPU",
    note = "sections that do are those of `preempt_disable()` and `local_irq_save()`"
)]
pub trait Pinned: Sealed {}
impl Sealed for PreemptGuard {}
impl Pinned for PreemptGuard {}
impl Sealed for IrqGuard {}
impl Pinned for IrqGuard {}
