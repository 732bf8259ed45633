// SPDX-License-Identifier: GPL-2.0

//! How much memory a type needs beside its own.

use kernel::bindings::llist_node;

/// `bytes` for one or several `T`, and no less than the `struct llist_node` with which memory waits to
/// be freed: that of vmalloc in `vfree_atomic()`, and all on `CONFIG_PREEMPT_RT`.
#[inline(always)]
pub(crate) const fn with_llist_node<T>(bytes: usize) -> usize {
    if size_of::<T>() < size_of::<llist_node>() && bytes < size_of::<llist_node>() && bytes != 0 {
        size_of::<llist_node>()
    } else {
        bytes
    }
}
