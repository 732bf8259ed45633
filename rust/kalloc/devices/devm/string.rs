// SPDX-License-Identifier: GPL-2.0

//! [`Devm`] of strings.

use super::*;
use crate::{
    contexts::grant::Grant,
    flags::{
        allocators::ForDevm,
        gfp::{
            AllocFailed,
            Gfp, //
        },
    },
};
use core::{
    fmt,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    ffi::{
        c_char,
        c_void, //
    },
    str::{
        CStr,
        CStrExt as _, //
    },
};

impl<'bound> Devm<'bound, CStr> {
    /// A copy of `source`, wraps `devm_kstrdup()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails.
    #[doc(alias = "devm_kstrdup")]
    #[inline]
    pub fn kstrdup<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        source: &CStr,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<u8, G>() };
        let _ = grant;
        // SAFETY: The device is bound and the string is NUL-terminated. The grant proves that the
        // flags are legal in this context, and kmalloc accepts them.
        let string =
            unsafe { bindings::devm_kstrdup(raw(dev), source.as_char_ptr(), G::Flags::BITS) };
        // SAFETY: `string` is NULL, or a new string in memory of `devm_kmalloc()` of `dev`.
        unsafe { Self::from_new(dev, string) }.ok_or_else(G::Flags::failed)
    }

    /// A formatted string, wraps `devm_kasprintf()`.
    ///
    /// As in C, a NUL in the arguments ends the string.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails.
    ///
    /// ```
    /// use kalloc::{devm::Devm, prelude::*};
    /// use kernel::device::{Bound, Device};
    ///
    /// fn name<'bound>(
    ///     task: &TaskCx,
    ///     dev: &'bound Device<Bound>,
    ///     channel: u32,
    /// ) -> Result<Devm<'bound, CStr>> {
    ///     Ok(Devm::kasprintf(task, dev, fmt!("{}-{channel}", dev.name()))?)
    /// }
    /// ```
    #[doc(alias = "devm_kasprintf")]
    #[inline]
    pub fn kasprintf<G>(
        grant: G,
        dev: &'bound Device<Bound>,
        args: fmt::Arguments<'_>,
    ) -> Result<Self, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForDevm>,
    {
        const { fits_plain::<u8, G>() };
        let _ = grant;
        // SAFETY: The device is bound, and `%pA` takes a pointer to `fmt::Arguments`. The grant
        // proves that the flags are legal in this context, and kmalloc accepts them.
        let string = unsafe {
            bindings::devm_kasprintf(
                raw(dev),
                G::Flags::BITS,
                c"%pA".as_char_ptr(),
                (&raw const args).cast::<c_void>(),
            )
        };
        // SAFETY: `string` is NULL, or a new string in memory of `devm_kmalloc()` of `dev`.
        unsafe { Self::from_new(dev, string) }.ok_or_else(G::Flags::failed)
    }

    /// Takes ownership of a string.
    ///
    /// # Safety
    ///
    /// `string` is NULL, or a string in memory of `devm_kmalloc()` of `dev` without another owner.
    unsafe fn from_new(dev: &'bound Device<Bound>, string: *mut c_char) -> Option<Self> {
        NonNull::new(string)?;
        // SAFETY: `# Safety`: `string` is a NUL-terminated string.
        let string = unsafe { CStr::from_char_ptr(string) };
        // INVARIANT: `# Safety`: owned memory of `devm_kmalloc()` of `dev`.
        Some(Self {
            memory: NonNull::from(string),
            device: dev,
            _value: PhantomData,
        })
    }
}
