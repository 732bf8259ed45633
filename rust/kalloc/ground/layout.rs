// SPDX-License-Identifier: GPL-2.0

//! The size of an allocation that can wait in a list to be freed.

use kernel::bindings::llist_node;

/// The size for one or several `T` of `bytes` bytes: at least that of the `struct llist_node` with
/// which memory waits to be freed. vmalloc memory waits in `vfree_atomic()`. On `CONFIG_PREEMPT_RT`
/// all memory may wait.
#[inline(always)]
pub(crate) const fn with_llist_node<T>(bytes: usize) -> usize {
    if size_of::<T>() < size_of::<llist_node>() && bytes < size_of::<llist_node>() && bytes != 0 {
        size_of::<llist_node>()
    } else {
        bytes
    }
}
