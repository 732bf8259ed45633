// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's page.

use super::*;
use core::{
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ptr, //
};
use kalloc_bindings::*;
use kernel::{
    error::Result,
    page::{
        BorrowedPage,
        Page, //
    },
};

impl<T: PageBytes, K: Kind> From<Pages<Order<0>, T, K>> for Page {
    /// The same page, without a copy.
    #[inline]
    fn from(pages: Pages<Order<0>, T, K>) -> Self {
        let page = ManuallyDrop::new(pages).page;
        // SAFETY: The page is ours and stays.
        let page = unsafe { BorrowedPage::from_raw(page) };
        // SAFETY: The borrow does not drop it, and whose page it is goes from us to the new value.
        unsafe { ptr::read(&*page) }
    }
}

impl TryFrom<Page> for Pages<Order<0>, MaybeUninit<u8>, High> {
    type Error = Page;

    /// The same page, without a copy. What it holds and from which zone it is, nobody knows:
    /// [`Pages::into_low`] asks for the zone.
    ///
    /// # Errors
    ///
    /// The page, where somebody else has a reference to it, as user space has that maps it: its
    /// bytes could change at any time.
    #[inline]
    fn try_from(page: Page) -> Result<Self, Page> {
        // SAFETY: The page is valid.
        if unsafe { kalloc_helper_page_count(page.as_ptr()) } != 1 {
            return Err(page);
        }
        // SAFETY: It is a single page of the page allocator, which was the other's alone.
        Ok(unsafe { Pages::from_raw(ManuallyDrop::new(page).as_ptr(), Order) })
    }
}
