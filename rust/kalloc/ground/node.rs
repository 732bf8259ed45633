// SPDX-License-Identifier: GPL-2.0

//! NUMA nodes that memory can come from.
//!
//! C header: [`include/linux/nodemask.h`](srctree/include/linux/nodemask.h)
//!
//! The allocators index per-node arrays and dereference the node's data without a check, so only a
//! node that is or was online may reach them. (A node's data stays when it goes offline.)

use kernel::{
    alloc::NumaNode,
    error::{
        code::EINVAL,
        Result, //
    },
};

/// A node that is online, or was when this was made.
///
/// # Invariants
///
/// The node was seen online, so that the kernel has its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(i32);

impl Node {
    /// The node `id`, wraps `node_online()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is no such node or it is not online.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// assert!(Node::new(63).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(id: i32) -> Result<Self> {
        // Only ids below this are bits of the kernel's mask of online nodes.
        NumaNode::new(id)?;
        // SAFETY: `id` is between 0 and `MAX_NUMNODES`.
        if unsafe { kalloc_bindings::kalloc_helper_node_online(id) } {
            // INVARIANT: It was just seen online.
            Ok(Self(id))
        } else {
            Err(EINVAL)
        }
    }

    /// The nearest node with memory to the CPU that runs this, wraps `numa_mem_id()`.
    ///
    /// The thread may move to another CPU at once; the node stays valid.
    pub fn local() -> Self {
        // INVARIANT: The kernel names only nodes with memory here, and these are online.
        // SAFETY: It has no preconditions.
        Self(unsafe { kalloc_bindings::kalloc_helper_numa_mem_id() })
    }

    /// The node's number.
    #[inline(always)]
    pub fn id(self) -> i32 {
        self.0
    }
}
