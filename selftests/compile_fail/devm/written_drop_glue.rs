// SPDX-License-Identifier: GPL-2.0

//! A value with drop glue gets in where none is dropped.

//@error-in-other-file: evaluation of

use core::mem::MaybeUninit;
use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn make<'bound>(
    task: &TaskCx,
    dev: &'bound Device<Bound>,
    value: KBox<u32>,
) -> Result<Devm<'bound, KBox<u32>>> {
    let memory = Devm::new(task, dev, MaybeUninit::<KBox<u32>>::uninit())?;
    Ok(memory.write(value))
}
