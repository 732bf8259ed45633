// SPDX-License-Identifier: GPL-2.0

//! Flags allowed where they are not.

use kalloc::{gfp::AllowedIn, prelude::*};

impl AllowedIn<AtomicCx<'_>> for GfpKernel {} //~ ERROR: only traits defined in the current crate can be implemented
