// SPDX-License-Identifier: GPL-2.0

//! The token of a section, out of it through a generic function.

use kalloc::prelude::*;

fn pass<T>(value: T) -> T {
    value
}

pub fn escape(task: &mut Task) -> Result<KBox<u32>> {
    let cx = task.noio(|cx| pass(cx)); //~ ERROR: lifetime may not live long enough
    //~^ ERROR: lifetime may not live long enough
    Ok(KBox::new(&cx, 1)?)
}
