// SPDX-License-Identifier: GPL-2.0

//! A mapping is one of its thread.

use kalloc::{page::High, prelude::*};

fn elsewhere(_: impl Send) {}

pub fn send(task: &mut Task, pages: &Pages<Order<0>, u8, High>) -> Result {
    elsewhere(pages.kmap_local(task, 0)?); //~ ERROR: cannot be sent between threads safely
    Ok(())
}
