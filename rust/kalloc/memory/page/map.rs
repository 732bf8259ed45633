// SPDX-License-Identifier: GPL-2.0

//! [`Pages::map_local`]: local mappings, which high memory needs.
//!
//! C header: [`include/linux/highmem.h`](srctree/include/linux/highmem.h)

use super::{
    Kind,
    PageBytes,
    PageOrder,
    Pages, //
};
use crate::contexts::{
    tokens::{
        AtomicCx,
        BhCx,
        IrqCx,
        NoFsCx,
        NoIoCx,
        NoReclaimCx,
        RawCx,
        TaskCx, //
    },
    traits::Context, //
};
use core::{
    ptr::NonNull,
    slice, //
};
use kernel::{
    bindings,
    error::{
        code::EINVAL,
        Result, //
    },
    page::PAGE_SIZE, //
};

/// Contexts in which a page may be mapped: all except NMI.
#[diagnostic::on_unimplemented(
    message = "no page may be mapped in `{Self}`",
    label = "a token such as `&mut task` or `cx` is expected here",
    note = "an NMI handler must use memory that has an address: pages without `.highmem()`"
)]
pub trait MapLocal: Context {}
impl MapLocal for TaskCx {}
impl MapLocal for NoFsCx<'_> {}
impl MapLocal for NoIoCx<'_> {}
impl MapLocal for NoReclaimCx<'_> {}
impl MapLocal for AtomicCx<'_> {}
impl MapLocal for BhCx<'_> {}
impl MapLocal for IrqCx<'_> {}
impl MapLocal for RawCx<'_> {}
impl<C: MapLocal> MapLocal for &mut C {}

impl<O: PageOrder, T: PageBytes, K: Kind> Pages<O, T, K> {
    /// Calls `f` with the bytes of the page `index`, wraps `kmap_local_page()` and
    /// `kunmap_local()`.
    ///
    /// Local mappings must be undone in reverse order, so this borrows the token until `f` returns.
    /// `f` gets the token, for calls meanwhile and for nested mappings.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `index` is out of range.
    ///
    /// ```
    /// use kalloc::{page::High, prelude::*};
    ///
    /// fn copy(task: &mut TaskCx, from: &Pages<Order<0>, u8, High>) -> Result<Pages> {
    ///     let mut to = Pages::zeroed(&task, Order::<0>)?;
    ///     from.map_local(task, 0, |from, task| {
    ///         to.map_local_mut(task, 0, |to, _task| to.copy_from_slice(from))
    ///     })??;
    ///     Ok(to)
    /// }
    /// ```
    #[doc(alias("kmap_local_page", "kunmap_local", "kmap_atomic"))]
    #[inline]
    pub fn map_local<C, R>(
        &self,
        cx: &mut C,
        index: usize,
        f: impl FnOnce(&[T], &mut C) -> R,
    ) -> Result<R>
    where
        C: MapLocal,
    {
        let mapped = self.map(index)?;
        // SAFETY: A mapping has `PAGE_SIZE` bytes, valid as `T` (invariant of `Pages`), and
        // borrowed with `self`.
        let page = unsafe { slice::from_raw_parts(mapped.0.as_ptr(), PAGE_SIZE) };
        Ok(f(page, cx))
    }

    /// As [`Pages::map_local`], mutably.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `index` is out of range.
    #[doc(alias("kmap_local_page", "kunmap_local"))]
    #[inline]
    pub fn map_local_mut<C, R>(
        &mut self,
        cx: &mut C,
        index: usize,
        f: impl FnOnce(&mut [T], &mut C) -> R,
    ) -> Result<R>
    where
        C: MapLocal,
    {
        let mapped = self.map(index)?;
        // SAFETY: A mapping has `PAGE_SIZE` bytes, valid as `T` (invariant of `Pages`), and
        // borrowed exclusively with `self`.
        let page = unsafe { slice::from_raw_parts_mut(mapped.0.as_ptr(), PAGE_SIZE) };
        Ok(f(page, cx))
    }

    #[inline]
    fn map(&self, index: usize) -> Result<Mapped<T>> {
        if index >= self.nr_pages() {
            return Err(EINVAL);
        }
        // SAFETY: `index` is below the number of pages.
        let page = unsafe { self.as_ptr().add(index) };
        // SAFETY: `page` is a valid page.
        let address = unsafe { bindings::kmap_local_page(page) };
        // INVARIANT: It was mapped above.
        // SAFETY: The address of a mapping is not NULL.
        Ok(Mapped(unsafe { NonNull::new_unchecked(address.cast()) }))
    }
}

/// A mapped page. Dropping it unmaps the page. Drivers have no access to it: a leaked mapping would
/// occupy a slot of the thread or the CPU.
///
/// # Invariants
///
/// The address of a local mapping of this thread. When this is dropped, every later mapping has
/// been undone.
struct Mapped<T>(NonNull<T>);

impl<T> Drop for Mapped<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: Invariant of `Mapped`: this is the last mapping of this thread that is not
        // undone.
        unsafe { bindings::kunmap_local(self.0.as_ptr().cast()) };
    }
}
