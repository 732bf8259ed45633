// SPDX-License-Identifier: GPL-2.0

//! A context of one's own.

use kalloc::prelude::*;

pub struct Mine;

//~v ERROR: Sealed
impl Context for Mine {
    type Atomic<'a> = Atomic<'a>;
    type Bh<'a> = Bh<'a>;
    type Irq<'a> = Irq<'a>;
    type Raw<'a> = Raw<'a>;
}
