// SPDX-License-Identifier: GPL-2.0

//! A mapping for ever, of pages and with a token that are leaked: its place is soon another page's.

use kalloc::{page::High, prelude::*};

pub fn mapping(task: TaskCx) -> Option<&'static mut [u8]> {
    let pages = Pages::zeroed(task.with(GFP_HIGHUSER), Order::<0>).ok()?;
    let pages: &'static mut Pages<Order<0>, u8, High> = KBox::new(&task, pages).ok()?.leak();
    let place = KBox::new_uninit(&task).ok()?;
    let task: &'static mut TaskCx = place.write(task).leak();
    pages.map_local_mut(task, 0, |bytes, _task| bytes).ok() //~ ERROR: lifetime may not live long enough
}
