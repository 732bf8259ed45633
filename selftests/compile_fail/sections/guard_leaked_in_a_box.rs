// SPDX-License-Identifier: GPL-2.0

//! A guard in a box that is leaked, and process context after it.

use kalloc::prelude::*;

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    let place = KBox::new_uninit(&task)?;
    section!(side = task, rcu_read_lock());
    let _ = place.write(side).leak();
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
