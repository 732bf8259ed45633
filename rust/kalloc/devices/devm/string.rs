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
    fmt::{
        self,
        Write, //
    },
    ptr::NonNull, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    str::CStr,
};

/// Counts the bytes that are written to it.
struct Count(usize);

impl Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

/// The free end of a buffer. What does not fit is left out.
struct Rest<'a>(&'a mut [u8]);

impl Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let len = text.len().min(self.0.len());
        let (here, rest) = core::mem::take(&mut self.0).split_at_mut(len);
        here.copy_from_slice(&text.as_bytes()[..len]);
        self.0 = rest;
        Ok(())
    }
}

impl<'bound> Devm<'bound, CStr> {
    /// A copy of `source`, as by `devm_kstrdup()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails, and for more than [`MAX_SIZE`] bytes.
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
        Self::until_nul(Devm::from_slice(grant, dev, source.to_bytes_with_nul())?)
            .ok_or_else(G::Flags::failed)
    }

    /// A formatted string, as by `devm_kasprintf()`.
    ///
    /// As in C, the arguments are formatted twice, once for the length, and a NUL in them ends the
    /// string.
    ///
    /// # Errors
    ///
    /// [`AllocFailed`] if the allocation fails, and for more than [`MAX_SIZE`] bytes.
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
        let mut len = Count(0);
        // As in C, an argument that cannot be formatted ends the string.
        let _ = len.write_fmt(args);
        let mut string = Devm::<[u8]>::from_fn(grant, dev, len.0.saturating_add(1), |_| 0)?;
        let _ = Rest(&mut string[..len.0]).write_fmt(args);
        Self::until_nul(string).ok_or_else(G::Flags::failed)
    }

    /// The string at the beginning of `bytes`, if there is a NUL.
    fn until_nul(bytes: Devm<'bound, [u8]>) -> Option<Self> {
        let len = CStr::from_bytes_until_nul(&bytes).ok()?.count_bytes() + 1;
        let string = NonNull::slice_from_raw_parts(bytes.memory.cast::<u8>(), len);
        // CAST: A `CStr` is its bytes with the NUL.
        let string = NonNull::new(string.as_ptr() as *mut CStr)?;
        // INVARIANT: The memory is unchanged, begins with a string, and has a size. The pointer is
        // not from a `&CStr`, so it is valid for writes.
        Some(Devm {
            memory: string,
            device: bytes.device,
            _value: PhantomData,
        })
    }
}
