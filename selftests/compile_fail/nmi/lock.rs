// SPDX-License-Identifier: GPL-2.0

//! A lock in what an NMI handler has: who was interrupted may hold it.

use kalloc::{nmi_safe, prelude::*};
use kernel::sync::SpinLock;

nmi_safe! {
    pub struct Watch {
        pub last: SpinLock<Option<KBox<u32>>>, //~ ERROR: an NMI handler must not have
    }
}
