// SPDX-License-Identifier: GPL-2.0

//! A combination of GFP flags, as a type, and its error.

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

    /// Whether the kernel waits until there is memory.
    #[doc(hidden)]
    const NOFAIL: bool = Self::BITS & KALLOC_CONST___GFP_NOFAIL != 0;

    /// What it is that can go wrong: [`AllocError`], or [`Infallible`](core::convert::Infallible) under `__GFP_NOFAIL`.
    type Failure: Copy + fmt::Debug + 'static;

    /// What to do with NULL.
    #[doc(hidden)]
    fn failed() -> AllocFailed<Self>;

    /// Whether the kernel, asked now, permits an allocation with these flags: asked by the allocators
    /// of boxes. Other flags than those of [`Checked`](crate::checked::Checked) need no question.
    #[doc(hidden)]
    #[inline(always)]
    fn permitted() -> bool {
        true
    }

    /// The kernel crate's value of these flags, for its own containers. It does not leave this
    /// crate: a value would outlive its grant.
    #[doc(hidden)]
    const FLAGS: FlagsValue = FlagsValue(
        // SAFETY: `Flags` is a struct of one `u32`. Of size 4, it has no place for it but its
        // beginning.
        unsafe { core::mem::transmute::<gfp_t, Flags>(Self::BITS) },
    );
}

/// Keeps [`Gfp::FLAGS`] in this crate.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct FlagsValue(pub(crate) Flags);

const _: () = assert!(size_of::<Flags>() == size_of::<gfp_t>());

/// Out of memory: the error of an allocation with the flags `F`.
///
/// It turns into the kernel crate's [`Error`] (`ENOMEM`) and [`AllocError`] by `?`. Under
/// `__GFP_NOFAIL` it has no value, so that `let Ok(x) = …;` is enough.
#[derive(Clone, Copy, Debug)]
pub struct AllocFailed<F: Gfp>(pub F::Failure);

/// Out of memory, with the value that the caller handed in.
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
    /// What went wrong.
    pub failure: F::Failure,
    /// What could not be stored.
    pub value: T,
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
