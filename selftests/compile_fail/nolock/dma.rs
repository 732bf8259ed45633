// SPDX-License-Identifier: GPL-2.0

//! No zone can be asked for.

use kalloc::{gfp, prelude::*};

pub fn flags() -> gfp::Dma<GfpNolock> {
    GFP_NOLOCK.dma() //~ ERROR: already chooses a zone
}
