// SPDX-License-Identifier: GPL-2.0

//! A vector, whose memory is of realloc.

use kalloc::{checked::Checked, prelude::*};

pub fn push(numbers: &mut KVec<u32>) -> Result {
    Ok(numbers.push(Checked, 1)?) //~ ERROR: does not accept `CheckedBoxFlags<GfpKernel>`
}
