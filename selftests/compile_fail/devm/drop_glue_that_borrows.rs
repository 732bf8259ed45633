// SPDX-License-Identifier: GPL-2.0

//! A value that may be dropped later than what it borrows is freed.

use kalloc::prelude::*;
use kernel::device::{Core, Device};

pub struct Holder<'a>(pub &'a u32, pub KBox<u32>);

pub fn make<'bound>(
    task: &TaskCx,
    dev: &'bound Device<Core<'_>>,
    first: &'bound u32,
    boxed: KBox<u32>,
) -> Result<Devm<'bound, Holder<'bound>>> {
    Ok(Devm::new_with_drop(task, dev, Holder(first, boxed))?) //~ ERROR: lifetime may not live long enough
    //~^ ERROR: borrowed data escapes
}
