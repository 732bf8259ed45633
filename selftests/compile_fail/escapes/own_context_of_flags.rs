// SPDX-License-Identifier: GPL-2.0

//! Flags of kalloc allowed in a context of the driver's, and accepted by an allocator of the driver's:
//! the orphan rule permits it.

use kalloc::{
    gfp::{AllowedIn, For, ForNonblocking, ForRealloc},
    prelude::*,
};

struct Mine;

impl AllowedIn<Mine> for GfpKernel {} //~ ERROR: is not a context

impl For<Mine> for GfpKernel {} //~ ERROR: is not satisfied

impl ForRealloc<Mine> for GfpKernel {} //~ ERROR: is not satisfied

impl ForNonblocking<Mine> for GfpKernel {} //~ ERROR: is not satisfied
