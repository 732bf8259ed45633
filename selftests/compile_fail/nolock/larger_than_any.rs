// SPDX-License-Identifier: GPL-2.0

//! A type larger than `KMALLOC_MAX_CACHE_SIZE`.

//@error-in-other-file: evaluation of

use core::mem::MaybeUninit;
use kalloc::{nolock, prelude::*};

pub fn allocate(cx: &NmiCx<'_>) -> Result<NolockBox<MaybeUninit<[u8; nolock::MAX_SIZE + 1]>>> {
    Ok(NolockBox::new_uninit(cx)?)
}
