// SPDX-License-Identifier: GPL-2.0

//! Many single pages.

use super::*;
use crate::{
    contexts::grant::*,
    flags::{
        gfp::*,
        matrix::*, //
    },
};
use core::mem::MaybeUninit;
use kalloc_bindings::*;
use kernel::bindings;

/// Fills the places of `pages` that are `None` with new single pages, wraps `alloc_pages_bulk()`.
///
/// Returns how many places from the first on hold a page now, which is the kernel's count and may
/// be less than there are: the kernel gives what it has without much trouble, and asked again may
/// give more. 0 is a failure. Each page is owned by its place.
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
#[inline]
pub fn alloc_bulk<G>(grant: G, pages: &mut [Option<NewPages<Order<0>, G>>]) -> usize
where
    G: Grant<Flags: ForPagesBulk>,
{
    // The kernel counts in an int.
    let len = pages.len().min(i32::MAX as usize);
    // SAFETY: The flags are legal in this context, which is what the grant says, and `nid` is
    // NUMA_NO_NODE or that of a node that is or was online. An `Option<Pages>` is a pointer to a
    // `struct page`, NULL for `None` (asserted below), of which there are `len`. What the kernel
    // writes there are new single pages of the memory that the flags give.
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
    // SAFETY: Every pattern is a valid pointer.
    let none = unsafe { core::mem::transmute::<Place, *mut bindings::page>(None) };
    assert!(none.is_null());
};
