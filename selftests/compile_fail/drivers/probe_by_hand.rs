// SPDX-License-Identifier: GPL-2.0

//! Probe, which gets process context, called where a spinlock may be held.

use kalloc::{platform, prelude::*};
use kernel::device::Core;

pub struct Right;

impl platform::Driver for Right {
    type IdInfo = ();
    type Data<'bound> = Self;

    fn probe<'bound>(
        _dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Self, Error> {
        drop(KBox::new(&task, 1u32)?);
        Ok(Right)
    }
}

pub fn misuse(cx: &mut AtomicCx<'_>, dev: &kernel::platform::Device<Core<'_>>) {
    let _ = <Right as platform::Driver>::probe(dev, None, cx); //~ ERROR: mismatched types
    // What the kernel calls would make a token.
    let _ = <platform::KernelDriver<Right> as kernel::platform::Driver>::probe(dev, None); //~ ERROR: is private
}
