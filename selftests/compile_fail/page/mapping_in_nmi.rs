// SPDX-License-Identifier: GPL-2.0

//! No mapping in an NMI handler.

use kalloc::{page::High, prelude::*};

pub fn first(cx: &mut NmiCx<'_>, pages: &Pages<Order<0>, u8, High>) -> Result<u8> {
    pages.map_local(cx, 0, |bytes, _| bytes[0]) //~ ERROR: no page may be mapped in
}
