// SPDX-License-Identifier: GPL-2.0

//! Pages, which do not ask.

use kalloc::{checked::Checked, prelude::*};

pub fn page() -> Result<Pages<Order<0>>> {
    //~v ERROR: the page allocator does not accept
    Ok(Pages::zeroed(Checked, Order::<0>)?) //~ ERROR: is not satisfied
}
