// SPDX-License-Identifier: GPL-2.0

//! The token of a section, out of it through a generic function.

use kalloc::prelude::*;

fn pass<T>(value: T) -> T {
    value
}

pub fn escape(task: &mut TaskCx) -> Result<KBox<u32>> {
    //~vv ERROR: lifetime may not live long enough
    //~v ERROR: lifetime may not live long enough
    let cx = task.noio(|cx| pass(cx));
    Ok(KBox::new(&cx, 1)?)
}
