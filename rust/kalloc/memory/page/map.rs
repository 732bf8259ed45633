// SPDX-License-Identifier: GPL-2.0

//! Local mappings, through which any page is seen, and high memory only so.
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

/// Contexts in which a page may be mapped: all but NMI.
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
    /// Runs `f` on the bytes of the page `index`, wraps `kmap_local_page()` and `kunmap_local()`.
    ///
    /// Mappings are undone in the reverse of their order. That is why the token is borrowed for as
    /// long: `f` gets it back, for what it does meanwhile and for mappings within this one.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is no such page.
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
        // SAFETY: A mapping is a page of bytes, which by the invariant are `T`s, borrowed with
        // `self`.
        let page = unsafe { slice::from_raw_parts(mapped.0.as_ptr(), PAGE_SIZE) };
        Ok(f(page, cx))
    }

    /// As [`Pages::map_local`], to be written.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is no such page.
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
        // SAFETY: A mapping is a page of bytes, which by the invariant are `T`s, borrowed
        // exclusively with `self`.
        let page = unsafe { slice::from_raw_parts_mut(mapped.0.as_ptr(), PAGE_SIZE) };
        Ok(f(page, cx))
    }

    #[inline]
    fn map(&self, index: usize) -> Result<Mapped<T>> {
        if index >= self.nr_pages() {
            return Err(EINVAL);
        }
        // SAFETY: There are so many pages.
        let page = unsafe { self.as_ptr().add(index) };
        // SAFETY: It is a page.
        let address = unsafe { bindings::kmap_local_page(page) };
        // INVARIANT: It was just mapped.
        // SAFETY: A mapping is not at NULL.
        Ok(Mapped(unsafe { NonNull::new_unchecked(address.cast()) }))
    }
}

/// A page that is mapped until this is dropped: no driver ever has one, since one that is leaked
/// would stay, in a place that belongs to a CPU or a thread.
///
/// # Invariants
///
/// A local mapping of this thread, which is not undone. When this is dropped, those that were made
/// later are.
struct Mapped<T>(NonNull<T>);

impl<T> Drop for Mapped<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant it is the last mapping of this thread that is not undone.
        unsafe { bindings::kunmap_local(self.0.as_ptr().cast()) };
    }
}
