// SPDX-License-Identifier: GPL-2.0

//! A value is put where other code finds it when the device has gone.

use kalloc::prelude::*;
use kernel::{device::{Bound, Device}, sync::SpinLock};

pub fn keep(task: &mut TaskCx, dev: &Device<Bound>, place: &SpinLock<Option<&'static mut u32>>) -> Result {
    let value = Devm::new(&task, dev, 1)?; //~ ERROR: borrowed data escapes
    task.locked(place, |place, _cx| *place = Some(value.into_mut()));
    Ok(())
}
