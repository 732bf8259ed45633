// SPDX-License-Identifier: GPL-2.0

//! Local mappings, through which any page is seen, and high memory only so.
//!
//! C header: [`include/linux/highmem.h`](srctree/include/linux/highmem.h)

use super::{Contents, Kind, PageOrder, Pages};
use crate::context::{Atomic, Bh, Context, Irq, Memalloc, NoFs, NoIo, Raw, Task};
use core::{
    fmt,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};
use kernel::{
    bindings,
    error::{code::EINVAL, Result},
    page::PAGE_SIZE,
};

/// Contexts in which a page may be mapped: all but NMI.
#[diagnostic::on_unimplemented(
    message = "no page may be mapped in `{Self}`",
    label = "a token such as `&mut task` or `cx` is expected here",
    note = "an NMI handler must use memory that has an address: pages without `.highmem()`"
)]
pub trait MapLocal: Context {}
impl MapLocal for Task {}
impl MapLocal for NoFs<'_> {}
impl MapLocal for NoIo<'_> {}
impl MapLocal for Memalloc<'_> {}
impl MapLocal for Atomic<'_> {}
impl MapLocal for Bh<'_> {}
impl MapLocal for Irq<'_> {}
impl MapLocal for Raw<'_> {}
impl<C: MapLocal> MapLocal for &mut C {}

impl<O: PageOrder, T: Contents, K: Kind> Pages<O, T, K> {
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
    /// fn copy(task: &mut Task, from: &Pages<Order<0>, u8, High>) -> Result<Pages> {
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
        let mut mapped = self.kmap_local(cx, index)?;
        let (page, cx) = mapped.split();
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
        let mut mapped = self.kmap_local_mut(cx, index)?;
        let (page, cx) = mapped.split_mut();
        Ok(f(page, cx))
    }

    /// Maps the page `index` until the mapping is dropped, wraps `kmap_local_page()`.
    ///
    /// For code that a closure does not fit. A mapping that is leaked (`mem::forget`) stays, and
    /// those around it are then undone out of order: [`Pages::map_local`] cannot do that.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is no such page.
    #[inline]
    pub fn kmap_local<'a, C>(
        &'a self,
        cx: &'a mut C,
        index: usize,
    ) -> Result<Mapped<'a, &'a [T], C>>
    where
        C: MapLocal,
    {
        let address = self.map(index)?;
        // SAFETY: A mapping is a page of bytes, which by the invariant are `T`s, borrowed with
        // `self`.
        let page = unsafe { slice::from_raw_parts(address.as_ptr(), PAGE_SIZE) };
        // INVARIANT: It was just mapped, and the token is borrowed from here on.
        Ok(Mapped { page, cx })
    }

    /// As [`Pages::kmap_local`], to be written.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is no such page.
    #[inline]
    pub fn kmap_local_mut<'a, C>(
        &'a mut self,
        cx: &'a mut C,
        index: usize,
    ) -> Result<Mapped<'a, &'a mut [T], C>>
    where
        C: MapLocal,
    {
        let address = self.map(index)?;
        // SAFETY: A mapping is a page of bytes, which by the invariant are `T`s, borrowed
        // exclusively with `self`.
        let page = unsafe { slice::from_raw_parts_mut(address.as_ptr(), PAGE_SIZE) };
        // INVARIANT: It was just mapped, and the token is borrowed from here on.
        Ok(Mapped { page, cx })
    }

    #[inline]
    fn map(&self, index: usize) -> Result<NonNull<T>> {
        if index >= self.nr_pages() {
            return Err(EINVAL);
        }
        // SAFETY: There are so many pages.
        let page = unsafe { self.as_ptr().add(index) };
        // SAFETY: It is a page. Who calls this undoes the mapping.
        let address = unsafe { bindings::kmap_local_page(page) };
        // SAFETY: A mapping is not at NULL.
        Ok(unsafe { NonNull::new_unchecked(address.cast()) })
    }
}

/// A page that is mapped until this is dropped, made by [`Pages::kmap_local`].
///
/// It holds the token, so that it stays on its thread and mappings within it end before it does.
///
/// ```
/// use kalloc::{page::High, prelude::*};
///
/// fn copy(task: &mut Task, from: &Pages<Order<0>, u8, High>, to: &mut Pages) -> Result {
///     let mut from = from.kmap_local(task, 0)?;
///     let (from, task) = from.split();
///     to.kmap_local_mut(task, 0)?.copy_from_slice(from);
///     Ok(())
/// }
/// ```
///
/// # Invariants
///
/// `page` is a local mapping of this thread, the last one that is not undone while nobody else has
/// the token.
pub struct Mapped<'a, P: Deref, C> {
    page: P,
    cx: &'a mut C,
}

impl<T, P: Deref<Target = [T]>, C> Mapped<'_, P, C> {
    /// The token, for mappings within this one.
    #[inline(always)]
    pub fn cx(&mut self) -> &mut C {
        self.cx
    }

    /// The bytes and the token, both at once.
    #[inline(always)]
    pub fn split(&mut self) -> (&[T], &mut C) {
        (&self.page, self.cx)
    }

    /// The bytes, to be written, and the token, both at once.
    #[inline(always)]
    pub fn split_mut(&mut self) -> (&mut [T], &mut C)
    where
        P: DerefMut,
    {
        (&mut self.page, self.cx)
    }
}

impl<P: Deref, C> Drop for Mapped<'_, P, C> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the invariant, since we have the token, it is the last mapping.
        unsafe { bindings::kunmap_local((&raw const *self.page).cast()) };
    }
}

impl<P: Deref, C> Deref for Mapped<'_, P, C> {
    type Target = P::Target;
    #[inline(always)]
    fn deref(&self) -> &P::Target {
        &self.page
    }
}

impl<P: DerefMut, C> DerefMut for Mapped<'_, P, C> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut P::Target {
        &mut self.page
    }
}

impl<P: Deref, C: fmt::Debug> fmt::Debug for Mapped<'_, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mapped").field(&self.cx).finish()
    }
}
