// SPDX-License-Identifier: GPL-2.0

//! A type larger than `KMALLOC_MAX_SIZE`.

//@error-in-other-file: evaluation of

use kalloc::prelude::*;

pub fn make(task: &TaskCx) -> Result<RcuBox<[u8; kalloc::kmalloc::MAX_SIZE]>> {
    RcuBox::init::<_, core::convert::Infallible>(task, pin_init::init_zeroed())
}
