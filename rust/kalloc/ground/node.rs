// SPDX-License-Identifier: GPL-2.0

//! [`Node`]: a NUMA node to allocate memory on.
//!
//! C header: [`include/linux/nodemask.h`](srctree/include/linux/nodemask.h)
//!
//! The allocators index per-node arrays and dereference the node's data without a check. So they
//! may be given only a node that is or was online. (A node's data remains when the node goes
//! offline.)

use kernel::{
    alloc::NumaNode,
    error::{
        code::EINVAL,
        Result, //
    },
};

/// A node that was online when the value was made.
///
/// # Invariants
///
/// The node is or was online, so the kernel has its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(i32);

impl Node {
    /// The node `id`; wraps `node_online()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `id` is not a node, or the node is not online.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// assert!(Node::new(63).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(id: i32) -> Result<Self> {
        // Only ids below `MAX_NUMNODES` are bits of the kernel's mask of online nodes.
        NumaNode::new(id)?;
        // SAFETY: `NumaNode::new` has checked that `id` is from 0 to `MAX_NUMNODES` - 1.
        if unsafe { kalloc_bindings::kalloc_helper_node_online(id) } {
            // INVARIANT: `node_online()` has just returned true.
            Ok(Self(id))
        } else {
            Err(EINVAL)
        }
    }

    /// The nearest node with memory to the current CPU; wraps `numa_mem_id()`.
    ///
    /// The thread may migrate to another CPU at any time. The node remains valid.
    pub fn local() -> Self {
        // INVARIANT: `numa_mem_id()` returns only nodes with memory, which are online.
        // SAFETY: The call has no preconditions.
        Self(unsafe { kalloc_bindings::kalloc_helper_numa_mem_id() })
    }

    /// The node's number.
    #[inline(always)]
    pub fn id(self) -> i32 {
        self.0
    }
}
