// SPDX-License-Identifier: GPL-2.0

//! [`alloc_bulk`]: `alloc_pages_bulk()`.

use super::*;
use crate::{
    contexts::grant::*,
    flags::{
        allocators::*,
        gfp::*, //
    },
};
use core::mem::MaybeUninit;
use kalloc_bindings::*;
use kernel::bindings;

/// Fills every `None` in `pages` with a new single page, wraps `alloc_pages_bulk()`.
///
/// Returns the kernel's count: how many entries, from the first on, hold a page now. The count may
/// be less than `pages.len()`: the kernel adds the pages that are readily available, and a further
/// call may add more. A count of 0 is a failure. Each entry owns its page.
///
/// ```
/// use kalloc::{page::alloc_bulk, prelude::*};
///
/// /// Eight pages or none.
/// fn eight(task: &TaskCx) -> Result<[Option<Pages<Order<0>, core::mem::MaybeUninit<u8>>>; 8]> {
///     let mut pages = [const { None }; 8];
///     let mut have = 0;
///     while have < pages.len() {
///         match alloc_bulk(task, &mut pages) {
///             more if more > have => have = more,
///             _ => return Err(ENOMEM),
///         }
///     }
///     Ok(pages)
/// }
/// ```
#[doc(alias = "alloc_pages_bulk")]
#[inline]
pub fn alloc_bulk<G>(grant: G, pages: &mut [Option<NewPages<Order<0>, G>>]) -> usize
where
    G: Grant<Flags: ForPagesBulk>,
{
    // The kernel counts in an `int`.
    let len = pages.len().min(i32::MAX as usize);
    // SAFETY: The grant proves that the flags are legal in this context. `nid` is `NUMA_NO_NODE`,
    // or a node that is or was online. An `Option<Pages>` is a pointer to `struct page`, NULL for
    // `None` (asserted below), and `pages` has `len` of them. The kernel writes new single pages of
    // the kind that the flags give.
    unsafe {
        kalloc_helper_alloc_pages_bulk_node(
            G::Flags::BITS,
            grant.nid(),
            len,
            pages.as_mut_ptr().cast(),
        )
    }
}

const _: () = {
    type Place = Option<Pages<Order<0>, MaybeUninit<u8>>>;
    assert!(size_of::<Place>() == size_of::<*mut bindings::page>());
    // SAFETY: Every bit pattern is a valid pointer.
    let none = unsafe { core::mem::transmute::<Place, *mut bindings::page>(None) };
    assert!(none.is_null());
};
