// SPDX-License-Identifier: GPL-2.0

//! A value that is dropped as what it was made, and not as what it was taken for.

use core::cell::Cell;
use kalloc::prelude::*;

pub struct Noisy<'a>(pub &'a [Cell<u8>]);

impl Drop for Noisy<'_> {
    fn drop(&mut self) {
        self.0[0].set(1);
    }
}

pub fn replace<'a>(mut value: Devm<'_, Noisy<'static>>, text: &'a [Cell<u8>]) {
    let shorter: &mut Devm<'_, Noisy<'a>> = &mut value; //~ ERROR: lifetime may not live long enough
    shorter.0 = text;
}

pub fn shorten<'bound, 'a>(value: Devm<'bound, Noisy<'static>>) -> Devm<'bound, Noisy<'a>> {
    value //~ ERROR: lifetime may not live long enough
}
