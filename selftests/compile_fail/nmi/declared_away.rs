// SPDX-License-Identifier: GPL-2.0

//! The struct that the macro asks is not there, and another one has its name.

use kalloc::{nmi_safe, prelude::*};
use kernel::sync::SpinLock;

nmi_safe! {
    #[cfg(any())] //~ ERROR: no rules expected
    pub struct Watch {
        pub last: u32,
    }
}

pub struct Watch {
    pub last: SpinLock<Option<KBox<u32>>>,
}
