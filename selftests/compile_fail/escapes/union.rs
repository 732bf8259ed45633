// SPDX-License-Identifier: GPL-2.0

//! Process context from the bytes of something else.

use core::mem::ManuallyDrop;
use kalloc::prelude::*;

union Forge {
    _nothing: (),
    task: ManuallyDrop<TaskCx>,
}

pub fn escape() -> Result<KBox<u32>> {
    let forge = Forge { _nothing: () };
    Ok(KBox::new(&*forge.task, 1)?) //~ ERROR: access to union field is unsafe and requires unsafe block
}
