// SPDX-License-Identifier: GPL-2.0

//! Conversions from and to the kernel crate's [`Page`].

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
    /// Converts without a copy.
    #[inline]
    fn from(pages: Pages<Order<0>, T, K>) -> Self {
        let page = ManuallyDrop::new(pages).page;
        // SAFETY: The page is owned and stays valid.
        let page = unsafe { BorrowedPage::from_raw(page) };
        // SAFETY: Dropping the borrow does not free the page. Its ownership moves to the new value.
        unsafe { ptr::read(&*page) }
    }
}

impl TryFrom<Page> for Pages<Order<0>, MaybeUninit<u8>, High> {
    type Error = Page;

    /// Converts without a copy. The zone and the initialisation of a `Page` are not known:
    /// [`Pages::into_low`] checks the zone.
    ///
    /// # Errors
    ///
    /// The page, if it has another reference, for example of a mapping in user space: its bytes
    /// could change at any time.
    #[inline]
    fn try_from(page: Page) -> Result<Self, Page> {
        // SAFETY: `Page` holds a valid page.
        if unsafe { kalloc_helper_page_count(page.as_ptr()) } != 1 {
            return Err(page);
        }
        // SAFETY: It is a single page of the page allocator. `page` had its only reference.
        Ok(unsafe { Pages::from_raw(ManuallyDrop::new(page).as_ptr(), Order) })
    }
}
