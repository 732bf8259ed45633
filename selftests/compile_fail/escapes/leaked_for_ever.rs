// SPDX-License-Identifier: GPL-2.0

//! Process context leaked, for a static to refer to.

use kalloc::prelude::*;
use kernel::sync::SetOnce;

static TASK: SetOnce<&'static TaskCx> = SetOnce::new(); //~ ERROR: `*mut ()` cannot be shared between threads safely

pub fn escape(task: TaskCx) -> Result {
    let place = KBox::new_uninit(&task)?;
    TASK.populate(place.write(task).leak());
    Ok(())
}
