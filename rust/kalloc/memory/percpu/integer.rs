// SPDX-License-Identifier: GPL-2.0

//! [`CpuLocal`]: per-CPU integers with this_cpu operations.

use super::*;
use crate::contexts::nmi_safe::NmiSafe;
use core::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData, //
};
use kernel::prelude::Zeroable;

#[doc(no_inline)]
pub use crate::ground::field::Field;

/// An integer in per-CPU memory, for [`PerCpu::this_cpu`].
#[derive(Default)]
#[repr(transparent)]
pub struct CpuLocal<I>(UnsafeCell<I>);

// SAFETY: It is read and written in single accesses.
unsafe impl<I: ThisCpuInteger> Sync for CpuLocal<I> {}
// SAFETY: It is a transparent integer, for which zero is valid.
unsafe impl<I: ThisCpuInteger + Zeroable> Zeroable for CpuLocal<I> {}

// SAFETY: It is an integer, read and written in single accesses.
unsafe impl<I: ThisCpuInteger> NmiSafe for CpuLocal<I> {}

impl<I: ThisCpuInteger> CpuLocal<I> {
    /// An initial value.
    #[inline]
    pub const fn new(value: I) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The integer of the CPU that the reference is for, wraps `READ_ONCE()`.
    #[inline(always)]
    pub fn load(&self) -> I {
        // SAFETY: The pointer is valid, and the integer is written in single accesses.
        unsafe { self.0.get().read_volatile() }
    }

    /// The integer, mutably.
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut I {
        self.0.get_mut()
    }
}

impl<I: ThisCpuInteger + fmt::Debug> fmt::Debug for CpuLocal<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

/// A value, or a part of it, of whichever CPU runs the operation. Made by [`PerCpu::this_cpu`] and
/// [`PerCpu::at`]. For a [`CpuLocal`] it has C's this_cpu operations.
///
/// Each operation works on the current CPU and is atomic on that CPU: one instruction on x86-64,
/// C's macro elsewhere, which may be atomic with respect to interrupts but not to NMI. Integers
/// wrap.
///
/// # Context
///
/// Every context.
///
/// # Invariants
///
/// The pointer is a per-CPU pointer to an `F` on each possible CPU, valid for `'a`.
#[derive(Debug)]
pub struct ThisCpu<'a, F>(pub(super) *mut F, pub(super) PhantomData<&'a F>);

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
        // INVARIANT: Invariants of `ThisCpu` and `Field`: there is an `F` at the offset in each
        // `T`.
        ThisCpu(self.0.wrapping_byte_add(field.offset()).cast(), PhantomData)
    }
}

impl<'a, E, const N: usize> ThisCpu<'a, [E; N]> {
    /// An element of the array.
    ///
    /// # Panics
    ///
    /// If `index` is out of range.
    #[inline(always)]
    pub fn index(self, index: usize) -> ThisCpu<'a, E> {
        assert!(index < N);
        // INVARIANT: There is an array with an element `index` on each CPU.
        ThisCpu(self.0.cast::<E>().wrapping_add(index), PhantomData)
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) $(-> $result:ident)?;)*) => {
        /// The integers of [`CpuLocal`].
        pub trait ThisCpuInteger: Sealed + Copy + 'static {
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
                /// `this` is a per-CPU pointer to an integer on each possible CPU.
                #[doc(hidden)]
                unsafe fn $name(this: *mut Self, $($arg: Self),*) $(-> operations!($result))?;
            )*
        }

        impl<I: ThisCpuInteger> ThisCpu<'_, CpuLocal<I>> {
            $(
                $(#[$doc])*
                #[inline(always)]
                pub fn $name(self, $($arg: I),*) $(-> operations!(of $result))? {
                    // SAFETY: Invariant of `ThisCpu`: a per-CPU pointer to an integer on each
                    // possible CPU.
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
    #[doc(alias = "this_cpu_read")]
    read() -> Value;
    /// Wraps `this_cpu_write()`.
    #[doc(alias = "this_cpu_write")]
    write(value);
    /// Wraps `this_cpu_add()`.
    #[doc(alias = "this_cpu_add")]
    add(value);
    /// Wraps `this_cpu_inc()`.
    #[doc(alias = "this_cpu_inc")]
    inc();
    /// Wraps `this_cpu_dec()`.
    #[doc(alias = "this_cpu_dec")]
    dec();
    /// Wraps `this_cpu_and()`.
    #[doc(alias = "this_cpu_and")]
    and(value);
    /// Wraps `this_cpu_or()`.
    #[doc(alias = "this_cpu_or")]
    or(value);
    /// Wraps `this_cpu_add_return()`. Returns the new value.
    #[doc(alias = "this_cpu_add_return")]
    add_return(value) -> Value;
    /// Wraps `this_cpu_cmpxchg()`. Returns the old value, which is `old` if `new` was written.
    #[doc(alias = "this_cpu_cmpxchg")]
    cmpxchg(old, new) -> Value;
}

impl<I: ThisCpuInteger + Eq> ThisCpu<'_, CpuLocal<I>> {
    /// Wraps `this_cpu_sub()`.
    #[doc(alias = "this_cpu_sub")]
    #[inline(always)]
    pub fn sub(self, value: I) {
        self.add(value.negative());
    }

    /// Wraps `this_cpu_xchg()`. Returns the old value.
    #[doc(alias = "this_cpu_xchg")]
    #[inline(always)]
    pub fn xchg(self, value: I) -> I {
        // A cmpxchg loop, as in C on x86: `xchg` with memory locks the bus.
        let mut old = self.read();
        loop {
            match self.cmpxchg(old, value) {
                seen if seen == old => return old,
                seen => old = seen,
            }
        }
    }

    /// The sum over all possible CPUs. Concurrent updates may or may not be included.
    #[inline]
    pub fn sum(self) -> I {
        possible_cpus().fold(I::ZERO, |sum, cpu| {
            // SAFETY: Invariant of `ThisCpu`: there is an integer on each possible CPU.
            sum.sum(unsafe { &*per_cpu_ptr(self.0, cpu) }.load())
        })
    }
}

macro_rules! integers {
    ($($int:ident $unsigned:ident $size:literal $class:ident $reg:literal $acc:tt;)*) => {$(
        impl Sealed for $int {}
        impl ThisCpuInteger for $int {
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
        // SAFETY: `# Safety`: the operand is an integer of that size in memory of this CPU.
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
            // SAFETY: `# Safety`: a per-CPU pointer to an integer on each possible CPU.
            unsafe { Self::add(this, 1) }
        }
        #[inline(always)]
        unsafe fn dec(this: *mut Self) {
            // SAFETY: `# Safety`: a per-CPU pointer to an integer on each possible CPU.
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
            // SAFETY: `# Safety`: a per-CPU pointer to an integer on each possible CPU.
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
