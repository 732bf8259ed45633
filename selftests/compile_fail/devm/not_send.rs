// SPDX-License-Identifier: GPL-2.0

//! Another thread may unbind the device, and drops the value.

use core::marker::PhantomData;
use kalloc::prelude::*;
use kernel::device::{Core, Device};

pub struct OfThisThread(pub KBox<u32>, pub PhantomData<*mut ()>);

pub fn make<'bound>(
    task: &TaskCx,
    dev: &'bound Device<Core<'_>>,
    value: OfThisThread,
) -> Result<Devm<'bound, OfThisThread>> {
    Ok(Devm::new_with_drop(task, dev, value)?) //~ ERROR: cannot be sent between threads safely
}
