// SPDX-License-Identifier: GPL-2.0

//! [`PerCpu`]: a value for each CPU.
//!
//! C headers: [`include/linux/percpu.h`](srctree/include/linux/percpu.h),
//! [`include/linux/local_lock.h`](srctree/include/linux/local_lock.h)
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
//! That code stays on its CPU does not make it the only one there: an interrupt comes in between,
//! and other CPUs add up what this one counts. So a value is reached by `&T`, and `T` has something
//! inside that takes it:
//!
//! * [`CpuLocal<u64>`](CpuLocal), an integer with C's this_cpu operations, each one instruction on
//!   x86-64 and atomic to the CPU's interrupts;
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

use crate::{
    alloc::deferred_free,
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::{
            Context,
            MayAlloc,
            Token, //
        },
    },
    flags::{
        gfp::{
            AllocFailed,
            Gfp, //
        },
        matrix::ForPerCpu, //
    },
    sections::{
        disable::DisableExt,
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
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::{
        needs_drop,
        offset_of, //
    },
    pin::Pin,
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings::local_trylock_t,
    ffi::c_ulong,
    page::PAGE_SIZE,
    prelude::Zeroable,
    str::{
        CStr,
        CStrExt as _, //
    },
    sync::LockClassKey,
    types::Opaque, //
};

/// The largest value in bytes, `PCPU_MIN_UNIT_SIZE`.
pub const MAX_SIZE: usize = KALLOC_CONST_PCPU_MIN_UNIT_SIZE;

/// A `T` for each possible CPU, freed by `free_percpu()` when it is dropped.
///
/// # Invariants
///
/// The pointer is one of `pcpu_alloc()` to memory for a `T` on each possible CPU, owned by this. On
/// each the `T` is initialised.
pub struct PerCpu<T>(NonNull<T>, PhantomData<T>);

// SAFETY: It owns the `T`s, and `free_percpu()` may be called on another thread.
unsafe impl<T: Send> Send for PerCpu<T> {}
// SAFETY: Shared it gives `&T` on every CPU, and a locked `&mut T` only where `T: Send`.
unsafe impl<T: Sync> Sync for PerCpu<T> {}

// SAFETY: Shared it gives `&T`, of a `T` that is.
unsafe impl<T: NmiSafe> NmiSafe for PerCpu<T> {}

/// The possible CPUs.
fn possible_cpus() -> impl Iterator<Item = u32> {
    let mut next = 0;
    core::iter::from_fn(move || {
        // SAFETY: It takes every number.
        let cpu = unsafe { kalloc_helper_possible_cpu(next) };
        (cpu < kernel::cpu::nr_cpu_ids()).then(|| {
            next = cpu + 1;
            cpu
        })
    })
}

impl<T> PerCpu<T> {
    /// The memory, which is zero, wraps `alloc_percpu_gfp()`.
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
        // What is dropped may have to wait in a list.
        let (size, align) = if cfg!(CONFIG_PREEMPT_RT) {
            (
                size_of::<T>().max(size_of::<usize>()),
                align_of::<T>().max(align_of::<usize>()),
            )
        } else {
            (size_of::<T>(), align_of::<T>())
        };
        // SAFETY: The flags are legal in this context, which is what the grant says.
        NonNull::new(unsafe { calls::alloc_percpu(size, align, G::Flags::BITS) }.cast())
            .ok_or_else(G::Flags::failed)
    }

    /// Zeroes on each CPU, wraps `alloc_percpu_gfp()`.
    ///
    /// Context: as the flags; flags that do not sleep take only memory that the per-CPU allocator
    /// already has.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory, and with flags that sleep also where the thread was
    /// killed. A type of no size, one larger than [`MAX_SIZE`], one aligned to more than a page and
    /// a grant for one node do not compile.
    ///
    /// ```
    /// use kalloc::{percpu::CpuLocal, prelude::*};
    ///
    /// fn counter(task: &TaskCx) -> Result<PerCpu<CpuLocal<u64>>> {
    ///     Ok(PerCpu::zeroed(task)?)
    /// }
    /// ```
    #[inline]
    pub fn zeroed<G>(grant: G) -> Result<Self, AllocFailed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForPerCpu>,
    {
        // INVARIANT: The memory is new, and zeroes are a `T`.
        Ok(Self(Self::alloc(grant)?, PhantomData))
    }

    /// On each possible CPU what `f` makes of its number, wraps `alloc_percpu_gfp()`.
    ///
    /// Context: as [`PerCpu::zeroed`].
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
    #[inline]
    pub fn from_fn<G>(grant: G, mut f: impl FnMut(u32) -> T) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForPerCpu>,
    {
        let memory = Self::alloc(grant)?;
        for cpu in possible_cpus() {
            // SAFETY: The CPU is a possible one, on which the memory is valid for writes of a `T`.
            unsafe { per_cpu_ptr(memory.as_ptr(), cpu).write(f(cpu)) };
        }
        // INVARIANT: The memory is new, and was just initialised on each CPU.
        Ok(Self(memory, PhantomData))
    }

    /// Runs `f` on one CPU, with its value: `preempt_disable()`, `this_cpu_ptr()` and
    /// `preempt_enable()`.
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

    /// The value of the CPU that a section stays on, wraps `this_cpu_ptr()`.
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
    #[inline(always)]
    pub fn get<'s, C: ?Sized, E>(&'s self, _section: &'s Section<'_, '_, C, E>) -> &'s T
    where
        E: Enter<C, Guard: Pinned>,
        T: Sync,
    {
        self.this_cpu_ref()
    }

    /// The value of some CPU: the one that runs this.
    #[inline(always)]
    fn this_cpu_ref(&self) -> &T {
        // SAFETY: By the invariant it is a `T` on every CPU, also when the thread moves on.
        unsafe { &*raw_cpu_ptr(self.0.as_ptr()) }
    }

    /// The values of all possible CPUs, wraps `for_each_possible_cpu()` and `per_cpu_ptr()`.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &T>
    where
        T: Sync,
    {
        // SAFETY: By the invariant there is a `T` on each possible CPU.
        possible_cpus().map(|cpu| unsafe { &*per_cpu_ptr(self.0.as_ptr(), cpu) })
    }

    /// The values of all possible CPUs, for who has them all to himself.
    #[inline]
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        // SAFETY: By the invariant there is a `T` on each possible CPU, apart from the others, and
        // they are borrowed exclusively.
        possible_cpus().map(|cpu| unsafe { &mut *per_cpu_ptr(self.0.as_ptr(), cpu) })
    }

    /// The value in whatever place it has on each CPU, for [this_cpu operations](ThisCpu).
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
        // INVARIANT: By the invariant of this.
        ThisCpu(self.0.as_ptr(), PhantomData)
    }

    /// A field of the value, for [this_cpu operations](ThisCpu).
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
                // SAFETY: By the invariant there is a `T` on each possible CPU, not used again.
                unsafe { ptr::drop_in_place(per_cpu_ptr(self.0.as_ptr(), cpu)) };
            }
        }
        // SAFETY: By the invariant it is memory of `pcpu_alloc()`, which was ours.
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

/// Wraps `per_cpu_ptr()`. The CPU is a possible one.
#[inline(always)]
fn per_cpu_ptr<T>(memory: *mut T, cpu: u32) -> *mut T {
    // SAFETY: It computes, and the CPU is a possible one.
    unsafe { kalloc_helper_per_cpu_ptr(memory.cast(), cpu) }.cast()
}

/// Wraps `raw_cpu_ptr()`.
#[cfg(not(all(CONFIG_X86_64, CONFIG_SMP)))]
#[inline(always)]
fn raw_cpu_ptr<T>(memory: *mut T) -> *mut T {
    // SAFETY: It computes.
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

/// Guards of sections that stay on their CPU.
#[diagnostic::on_unimplemented(
    message = "a section of `{Self}` does not stay on its CPU",
    note = "sections that do are those of `preempt_disable()` and `local_irq_save()`"
)]
pub trait Pinned: Sealed {}
impl Sealed for PreemptGuard {}
impl Pinned for PreemptGuard {}
impl Sealed for IrqGuard {}
impl Pinned for IrqGuard {}

// Integers -------------------------------------------------------------------------------------------------------------

/// An integer in per-CPU memory, for [`PerCpu::this_cpu`].
#[derive(Default)]
#[repr(transparent)]
pub struct CpuLocal<I>(UnsafeCell<I>);

// SAFETY: It is read and written in single accesses.
unsafe impl<I: Integer> Sync for CpuLocal<I> {}
// SAFETY: It is an integer.
unsafe impl<I: Integer + Zeroable> Zeroable for CpuLocal<I> {}

// SAFETY: It is an integer, read and written in single accesses.
unsafe impl<I: Integer> NmiSafe for CpuLocal<I> {}

impl<I: Integer> CpuLocal<I> {
    /// An integer for a CPU to begin with.
    #[inline]
    pub const fn new(value: I) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The integer of the CPU that the reference is to, wraps `READ_ONCE()`.
    #[inline(always)]
    pub fn load(&self) -> I {
        // SAFETY: It is valid, and written in single accesses.
        unsafe { self.0.get().read_volatile() }
    }

    /// The integer, for who has it to himself.
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut I {
        self.0.get_mut()
    }
}

impl<I: Integer + fmt::Debug> fmt::Debug for CpuLocal<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

#[doc(no_inline)]
pub use crate::{
    field,
    ground::field::Field, //
};

/// A value in whatever place it has on each CPU, or a part of it, made by [`PerCpu::this_cpu`] and
/// [`PerCpu::at`]. Of a [`CpuLocal`]: C's this_cpu operations.
///
/// Each works on the CPU that it happens to run on, and is atomic to what else that CPU does: on
/// x86-64 one instruction, elsewhere C's macro (which may be atomic to interrupts and not to NMI).
/// Context: every one. Integers wrap.
///
/// # Invariants
///
/// The pointer is a per-CPU one to an `F` on each possible CPU, for `'a`.
#[derive(Debug)]
pub struct ThisCpu<'a, F>(*mut F, PhantomData<&'a F>);

impl<F> Clone for ThisCpu<'_, F> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<F> Copy for ThisCpu<'_, F> {}

impl<'a, T> ThisCpu<'a, T> {
    /// A field of the value.
    #[inline(always)]
    pub fn field<F>(self, field: Field<T, F>) -> ThisCpu<'a, F> {
        // INVARIANT: By those of both.
        ThisCpu(self.0.wrapping_byte_add(field.offset()).cast(), PhantomData)
    }
}

impl<'a, E, const N: usize> ThisCpu<'a, [E; N]> {
    /// An element of the array.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[inline(always)]
    pub fn index(self, index: usize) -> ThisCpu<'a, E> {
        assert!(index < N);
        // INVARIANT: There is an array on each CPU, and an element of that index.
        ThisCpu(self.0.cast::<E>().wrapping_add(index), PhantomData)
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) $(-> $result:ident)?;)*) => {
        /// The integers of [`CpuLocal`].
        pub trait Integer: Sealed + Copy + 'static {
            #[doc(hidden)]
            const ZERO: Self;
            #[doc(hidden)]
            const ONE: Self;
            #[doc(hidden)]
            fn sum(self, other: Self) -> Self;
            #[doc(hidden)]
            fn negative(self) -> Self;
            $(
                /// # Safety
                ///
                /// The pointer is a per-CPU one to an integer on each possible CPU.
                #[doc(hidden)]
                unsafe fn $name(this: *mut Self, $($arg: Self),*) $(-> operations!($result))?;
            )*
        }

        impl<I: Integer> ThisCpu<'_, CpuLocal<I>> {
            $(
                $(#[$doc])*
                #[inline(always)]
                pub fn $name(self, $($arg: I),*) $(-> operations!(of $result))? {
                    // SAFETY: By the invariant.
                    unsafe { I::$name(self.0.cast(), $($arg),*) }
                }
            )*
        }
    };
    (Value) => { Self };
    (of Value) => { I };
}

operations! {
    /// Wraps `this_cpu_read()`.
    read() -> Value;
    /// Wraps `this_cpu_write()`.
    write(value);
    /// Wraps `this_cpu_add()`.
    add(value);
    /// Wraps `this_cpu_inc()`.
    inc();
    /// Wraps `this_cpu_dec()`.
    dec();
    /// Wraps `this_cpu_and()`.
    and(value);
    /// Wraps `this_cpu_or()`.
    or(value);
    /// Wraps `this_cpu_add_return()`: the value after it.
    add_return(value) -> Value;
    /// Wraps `this_cpu_cmpxchg()`: the value before it, which is `old` if `new` was written.
    cmpxchg(old, new) -> Value;
}

impl<I: Integer + Eq> ThisCpu<'_, CpuLocal<I>> {
    /// Wraps `this_cpu_sub()`.
    #[inline(always)]
    pub fn sub(self, value: I) {
        self.add(value.negative());
    }

    /// Wraps `this_cpu_xchg()`: the value before it.
    #[inline(always)]
    pub fn xchg(self, value: I) -> I {
        // As C does on x86: an exchange with memory would lock the bus.
        let mut old = self.read();
        loop {
            match self.cmpxchg(old, value) {
                seen if seen == old => return old,
                seen => old = seen,
            }
        }
    }

    /// The sum over all possible CPUs. Those that count meanwhile may or may not be in it.
    #[inline]
    pub fn sum(self) -> I {
        possible_cpus().fold(I::ZERO, |sum, cpu| {
            // SAFETY: By the invariant there is one on each possible CPU.
            sum.sum(unsafe { &*per_cpu_ptr(self.0, cpu) }.load())
        })
    }
}

macro_rules! integers {
    ($($int:ident $unsigned:ident $size:literal $class:ident $reg:literal $acc:tt;)*) => {$(
        impl Sealed for $int {}
        impl Integer for $int {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            #[inline(always)]
            fn sum(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn negative(self) -> Self {
                self.wrapping_neg()
            }
            integers!(@ops $int $unsigned $size $class $reg $acc);
        }
    )*};
    (@asm $text:expr, [$($operands:tt)*]) => {
        // SAFETY: By the contract of this function the operand is memory of this CPU, an integer of
        // that size.
        unsafe { core::arch::asm!($text, $($operands)*, options(nostack)) }
    };
    (@ops $int:ident $unsigned:ident $size:literal $class:ident $reg:literal $acc:tt) => {
        #[cfg(all(CONFIG_X86_64, CONFIG_SMP))]
        integers!(@x86 $int $size $class $reg $acc);
        #[cfg(not(all(CONFIG_X86_64, CONFIG_SMP)))]
        integers!(@generic $int $unsigned);
    };
    (@x86 $int:ident $size:literal $class:ident $reg:literal $acc:tt) => {
        #[inline(always)]
        unsafe fn read(this: *mut Self) -> Self {
            let value;
            integers!(@asm concat!("mov {1", $reg, "}, ", $size, " ptr gs:[{0}]"),
                [in(reg) this, out($class) value]);
            value
        }
        #[inline(always)]
        unsafe fn write(this: *mut Self, value: Self) {
            integers!(@asm concat!("mov ", $size, " ptr gs:[{0}], {1", $reg, "}"),
                [in(reg) this, in($class) value]);
        }
        #[inline(always)]
        unsafe fn add(this: *mut Self, value: Self) {
            integers!(@asm concat!("add ", $size, " ptr gs:[{0}], {1", $reg, "}"),
                [in(reg) this, in($class) value]);
        }
        #[inline(always)]
        unsafe fn inc(this: *mut Self) {
            integers!(@asm concat!("inc ", $size, " ptr gs:[{0}]"), [in(reg) this]);
        }
        #[inline(always)]
        unsafe fn dec(this: *mut Self) {
            integers!(@asm concat!("dec ", $size, " ptr gs:[{0}]"), [in(reg) this]);
        }
        #[inline(always)]
        unsafe fn and(this: *mut Self, value: Self) {
            integers!(@asm concat!("and ", $size, " ptr gs:[{0}], {1", $reg, "}"),
                [in(reg) this, in($class) value]);
        }
        #[inline(always)]
        unsafe fn or(this: *mut Self, value: Self) {
            integers!(@asm concat!("or ", $size, " ptr gs:[{0}], {1", $reg, "}"),
                [in(reg) this, in($class) value]);
        }
        #[inline(always)]
        unsafe fn add_return(this: *mut Self, value: Self) -> Self {
            let mut before = value;
            integers!(@asm concat!("xadd ", $size, " ptr gs:[{0}], {1", $reg, "}"),
                [in(reg) this, inout($class) before]);
            before = before.wrapping_add(value);
            before
        }
        #[inline(always)]
        unsafe fn cmpxchg(this: *mut Self, old: Self, new: Self) -> Self {
            let seen;
            integers!(@asm concat!("cmpxchg ", $size, " ptr gs:[{0}], {1", $reg, "}"),
                [in(reg) this, in($class) new, inout($acc) old => seen]);
            seen
        }
    };
    (@generic $int:ident $unsigned:ident) => {
        integers!(@helper $unsigned read kalloc_helper_this_cpu_read_u8
            kalloc_helper_this_cpu_read_u16 kalloc_helper_this_cpu_read_u32
            kalloc_helper_this_cpu_read_u64, () -> Self);
        integers!(@helper $unsigned write kalloc_helper_this_cpu_write_u8
            kalloc_helper_this_cpu_write_u16 kalloc_helper_this_cpu_write_u32
            kalloc_helper_this_cpu_write_u64, (value) -> ());
        integers!(@helper $unsigned add kalloc_helper_this_cpu_add_u8
            kalloc_helper_this_cpu_add_u16 kalloc_helper_this_cpu_add_u32
            kalloc_helper_this_cpu_add_u64, (value) -> ());
        integers!(@helper $unsigned and kalloc_helper_this_cpu_and_u8
            kalloc_helper_this_cpu_and_u16 kalloc_helper_this_cpu_and_u32
            kalloc_helper_this_cpu_and_u64, (value) -> ());
        integers!(@helper $unsigned or kalloc_helper_this_cpu_or_u8
            kalloc_helper_this_cpu_or_u16 kalloc_helper_this_cpu_or_u32
            kalloc_helper_this_cpu_or_u64, (value) -> ());
        integers!(@helper $unsigned add_return kalloc_helper_this_cpu_add_return_u8
            kalloc_helper_this_cpu_add_return_u16 kalloc_helper_this_cpu_add_return_u32
            kalloc_helper_this_cpu_add_return_u64, (value) -> Self);
        integers!(@helper $unsigned cmpxchg kalloc_helper_this_cpu_cmpxchg_u8
            kalloc_helper_this_cpu_cmpxchg_u16 kalloc_helper_this_cpu_cmpxchg_u32
            kalloc_helper_this_cpu_cmpxchg_u64, (old, new) -> Self);
        #[inline(always)]
        unsafe fn inc(this: *mut Self) {
            // SAFETY: By the contract of this function.
            unsafe { Self::add(this, 1) }
        }
        #[inline(always)]
        unsafe fn dec(this: *mut Self) {
            // SAFETY: By the contract of this function.
            unsafe { Self::add(this, <$int>::ZERO.wrapping_sub(1)) }
        }
    };
    (@helper u8 $name:ident $h8:ident $h16:ident $h32:ident $h64:ident, $($signature:tt)*) => {
        integers!(@fn $name $h8 u8, $($signature)*);
    };
    (@helper u16 $name:ident $h8:ident $h16:ident $h32:ident $h64:ident, $($signature:tt)*) => {
        integers!(@fn $name $h16 u16, $($signature)*);
    };
    (@helper u32 $name:ident $h8:ident $h16:ident $h32:ident $h64:ident, $($signature:tt)*) => {
        integers!(@fn $name $h32 u32, $($signature)*);
    };
    (@helper u64 $name:ident $h8:ident $h16:ident $h32:ident $h64:ident, $($signature:tt)*) => {
        integers!(@fn $name $h64 u64, $($signature)*);
    };
    (@fn $name:ident $helper:ident $unsigned:ident, ($($arg:ident),*) -> $result:ty) => {
        #[inline(always)]
        unsafe fn $name(this: *mut Self, $($arg: Self),*) -> $result {
            // SAFETY: By the contract of this function.
            unsafe { $helper(this.cast(), $($arg as $unsigned),*) as $result }
        }
    };
}

integers! {
    u8 u8 "byte" reg_byte "" "al";
    i8 u8 "byte" reg_byte "" "al";
    u16 u16 "word" reg ":x" "ax";
    i16 u16 "word" reg ":x" "ax";
    u32 u32 "dword" reg ":e" "eax";
    i32 u32 "dword" reg ":e" "eax";
}

#[cfg(CONFIG_64BIT)]
integers! {
    u64 u64 "qword" reg "" "rax";
    i64 u64 "qword" reg "" "rax";
    usize u64 "qword" reg "" "rax";
    isize u64 "qword" reg "" "rax";
}

#[cfg(not(CONFIG_64BIT))]
integers! {
    usize u32 "dword" reg "" "eax";
    isize u32 "dword" reg "" "eax";
}

// Locked values --------------------------------------------------------------------------------------------------------

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
pub use crate::new_local_lock;

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
