// SPDX-License-Identifier: GPL-2.0

//! Strings.

use super::*;
use crate::{
    contexts::grant::Grant,
    flags::{
        gfp::{
            AllocFailed,
            Gfp, //
        },
        matrix::ForDevm, //
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
    /// [`AllocFailed`] where there is no memory.
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
        // SAFETY: The device is bound and the string ends. The flags are legal in this context,
        // which is what the grant says, and are those that kmalloc accepts.
        let string =
            unsafe { bindings::devm_kstrdup(raw(dev), source.as_char_ptr(), G::Flags::BITS) };
        // SAFETY: It is NULL, or a new string of `devm_kmalloc()` of that device.
        unsafe { Self::from_new(dev, string) }.ok_or_else(G::Flags::failed)
    }

    /// What the arguments say as a string, wraps `devm_kasprintf()`.
    ///
    /// A NUL in it ends the string, as in C.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] where there is no memory.
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
        // SAFETY: The device is bound, and the format takes a pointer to `fmt::Arguments`. The flags
        // are legal in this context, which is what the grant says, and are those that kmalloc
        // accepts.
        let string = unsafe {
            bindings::devm_kasprintf(
                raw(dev),
                G::Flags::BITS,
                c"%pA".as_char_ptr(),
                (&raw const args).cast::<c_void>(),
            )
        };
        // SAFETY: It is NULL, or a new string of `devm_kmalloc()` of that device.
        unsafe { Self::from_new(dev, string) }.ok_or_else(G::Flags::failed)
    }

    /// # Safety
    ///
    /// It is NULL, or a string in memory of `devm_kmalloc()` of `dev` that nobody else has.
    unsafe fn from_new(dev: &'bound Device<Bound>, string: *mut c_char) -> Option<Self> {
        NonNull::new(string)?;
        // SAFETY: By the contract of this function it is a string.
        let string = unsafe { CStr::from_char_ptr(string) };
        // INVARIANT: By the contract of this function.
        Some(Self {
            memory: NonNull::from(string),
            device: dev,
            _value: PhantomData,
        })
    }
}
