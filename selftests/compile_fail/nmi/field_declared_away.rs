// SPDX-License-Identifier: GPL-2.0

//! A field that the macro asks is not there, and another one has its name.

use kalloc::{nmi_safe, prelude::*};
use kernel::sync::SpinLock;

nmi_safe! {
    pub struct Watch {
        #[cfg(any())] //~ ERROR: no rules expected
        pub last: u32,
        #[cfg(not(any()))]
        pub last: SpinLock<Option<KBox<u32>>>,
    }
}
