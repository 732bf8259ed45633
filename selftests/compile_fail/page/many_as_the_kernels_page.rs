// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's page is one.

use kalloc::prelude::*;
use kernel::page::Page;

pub fn page(task: &TaskCx) -> Result<Page> {
    Ok(Page::from(Pages::zeroed(task, Order::<1>)?)) //~ ERROR: the trait bound
}
