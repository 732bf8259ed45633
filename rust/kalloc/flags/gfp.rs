// SPDX-License-Identifier: GPL-2.0

//! [`Gfp`]: a combination of GFP flags, as a type. [`AllocFailed`]: the error of an allocation with
//! them.

use crate::ground::sealed::Sealed;
use core::fmt;
use kalloc_bindings::*;
use kernel::{
    alloc::{
        AllocError,
        Flags, //
    },
    bindings::gfp_t,
    error::Error, //
};

/// A combination of GFP flags, as a type.
pub trait Gfp: Sealed + Copy + fmt::Debug + 'static {
    /// The `gfp_t` that the kernel gets.
    const BITS: gfp_t;

    /// Whether the flags contain `__GFP_NOFAIL`.
    #[doc(hidden)]
    const NOFAIL: bool = Self::BITS & KALLOC_CONST___GFP_NOFAIL != 0;

    /// The error: [`AllocError`], or [`Infallible`](core::convert::Infallible) with `__GFP_NOFAIL`.
    type Failure: Copy + fmt::Debug + 'static;

    /// The error for NULL. Panics with `__GFP_NOFAIL`.
    #[doc(hidden)]
    fn failed() -> AllocFailed<Self>;

    /// Whether the code may allocate with these flags at this moment. The allocators of boxes call
    /// it before each allocation. It is true for all flags except those of
    /// [`Checked`](crate::checked::Checked), which ask the kernel.
    #[doc(hidden)]
    #[inline(always)]
    fn permitted() -> bool {
        true
    }

    /// The kernel crate's value of these flags, for the kernel crate's own containers. Only this
    /// crate can read it, since a value would outlive its grant.
    #[doc(hidden)]
    const FLAGS: FlagsValue = FlagsValue::of(Self::BITS);
}

/// The type of [`Gfp::FLAGS`], whose value only this crate can read.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct FlagsValue(pub(crate) Flags);

impl FlagsValue {
    const fn of(bits: gfp_t) -> Self {
        // SAFETY: `Flags` is a struct of one `u32`, and of the size of a `gfp_t`, as asserted
        // below. So the field is at offset 0.
        Self(unsafe { core::mem::transmute::<gfp_t, Flags>(bits) })
    }

    /// The value of `bits`. `self`, the value before the modifier, is only evaluated: flags without
    /// a value fail the build.
    pub(crate) const fn modified(self, bits: gfp_t) -> Self {
        Self::of(bits)
    }
}

const _: () = assert!(size_of::<Flags>() == size_of::<gfp_t>());

/// Out of memory: the error of an allocation with the flags `F`.
///
/// `?` converts it to the kernel crate's [`Error`] (`ENOMEM`) and [`AllocError`]. With
/// `__GFP_NOFAIL` the type has no value, so that `let Ok(x) = …;` compiles.
#[derive(Clone, Copy, Debug)]
pub struct AllocFailed<F: Gfp>(pub F::Failure);

/// Out of memory, with the value that the caller passed.
///
/// ```
/// use kalloc::prelude::*;
///
/// /// Keeps `value` in the caller's hands when there is no memory for it.
/// fn boxed(cx: &AtomicCx<'_>, value: [u8; 32]) -> Result<KBox<[u8; 32]>, [u8; 32]> {
///     KBox::new(cx, value).map_err(|failed| failed.value)
/// }
/// ```
#[derive(Clone, Copy)]
pub struct AllocFailedWith<F: Gfp, T> {
    /// The error.
    pub failure: F::Failure,
    /// The value that was not stored.
    pub value: T,
}

impl<F: Gfp> AllocFailed<F> {
    /// The error of the same allocation, made with a modifier of its flags.
    #[inline(always)]
    pub(crate) fn of_base<B: Gfp<Failure = F::Failure>>(self) -> AllocFailed<B> {
        AllocFailed(self.0)
    }
}

impl<F: Gfp, T> AllocFailedWith<F, T> {
    pub(crate) fn new(AllocFailed(failure): AllocFailed<F>, value: T) -> Self {
        Self { failure, value }
    }
}

impl<F: Gfp, T> fmt::Debug for AllocFailedWith<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        AllocFailed::<F>(self.failure).fmt(f)
    }
}

impl<F: Gfp> From<AllocFailed<F>> for Error {
    fn from(_: AllocFailed<F>) -> Self {
        kernel::error::code::ENOMEM
    }
}
impl<F: Gfp> From<AllocFailed<F>> for AllocError {
    fn from(_: AllocFailed<F>) -> Self {
        AllocError
    }
}
impl<F: Gfp, T> From<AllocFailedWith<F, T>> for Error {
    fn from(_: AllocFailedWith<F, T>) -> Self {
        kernel::error::code::ENOMEM
    }
}
impl<F: Gfp, T> From<AllocFailedWith<F, T>> for AllocError {
    fn from(_: AllocFailedWith<F, T>) -> Self {
        AllocError
    }
}
impl<F: Gfp, T> From<AllocFailedWith<F, T>> for AllocFailed<F> {
    fn from(with: AllocFailedWith<F, T>) -> Self {
        AllocFailed(with.failure)
    }
}
