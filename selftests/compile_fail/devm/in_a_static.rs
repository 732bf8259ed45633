// SPDX-License-Identifier: GPL-2.0

//! A value is put where other code finds it when the device has gone.

use kalloc::prelude::*;
use kernel::device::{Bound, Device};

pub fn keep(task: &mut TaskCx, dev: &Device<Bound>, place: &mut Option<&'static mut u32>) -> Result {
    *place = Some(Devm::new(&task, dev, 1)?.into_mut()); //~ ERROR: borrowed data escapes
    Ok(())
}
