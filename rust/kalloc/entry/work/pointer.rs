// SPDX-License-Identifier: GPL-2.0

//! [`WorkItemPointer`]: what owns a work item while it is queued.

use crate::memory::boxed::KBox;
use core::pin::Pin;
use kernel::sync::Arc;

/// The pointer that owns a work item while it is queued: `Arc<T>` or `Pin<KBox<T>>`.
///
/// # Safety
///
/// After [`WorkItemPointer::into_raw`] the `T` lives and is not moved until
/// [`WorkItemPointer::from_raw`] takes the pointer back.
pub unsafe trait WorkItemPointer: Sized + Send + 'static {
    /// The item.
    type Item;

    /// Gives up ownership of the item.
    fn into_raw(self) -> *mut Self::Item;

    /// Takes ownership of the item back.
    ///
    /// # Safety
    ///
    /// The pointer is from [`WorkItemPointer::into_raw`], and is used once.
    unsafe fn from_raw(item: *mut Self::Item) -> Self;
}

// SAFETY: `into_raw` keeps the reference count, so the `T` lives.
unsafe impl<T: Send + Sync + 'static> WorkItemPointer for Arc<T> {
    type Item = T;

    fn into_raw(self) -> *mut T {
        Arc::into_raw(self).cast_mut()
    }

    unsafe fn from_raw(item: *mut T) -> Self {
        // SAFETY: `# Safety`: `item` is from `into_raw`, and is used once.
        unsafe { Arc::from_raw(item) }
    }
}

// SAFETY: `into_raw` leaks the box, so the `T` lives and is not moved.
unsafe impl<T: Send + 'static> WorkItemPointer for Pin<KBox<T>> {
    type Item = T;

    fn into_raw(self) -> *mut T {
        // SAFETY: The value is not moved until `from_raw` pins it again.
        unsafe { Pin::into_inner_unchecked(self) }.into_raw()
    }

    unsafe fn from_raw(item: *mut T) -> Self {
        // SAFETY: `# Safety`: `item` is from `into_raw`, and is used once.
        let boxed = unsafe { KBox::from_raw(item) };
        // SAFETY: The value was pinned when `into_raw` took it, and has not been moved.
        unsafe { Pin::new_unchecked(boxed) }
    }
}
