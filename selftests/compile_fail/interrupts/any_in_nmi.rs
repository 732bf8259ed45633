// SPDX-License-Identifier: GPL-2.0

//! Memory in a handler of NMIs.

use core::sync::atomic::AtomicU32;
use kalloc::{nmi, nmi_safe, prelude::*};

nmi_safe! {
    pub struct Count {
        count: AtomicU32,
    }
}

impl nmi::Handler for Count {
    fn handle(&self, cx: &mut NmiCx<'_>) -> bool {
        KBox::new(&cx, 7u32).is_ok() //~ ERROR: no allocator may be called
    }
}
