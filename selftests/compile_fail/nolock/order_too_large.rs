// SPDX-License-Identifier: GPL-2.0

//! An order above `PAGE_ALLOC_COSTLY_ORDER`.

//@error-in-other-file: evaluation of

use kalloc::{nolock::NolockPages, prelude::*};

pub fn allocate(cx: &NmiCx<'_>) -> Result<NolockPages<4>> {
    Ok(NolockPages::new(cx)?)
}
