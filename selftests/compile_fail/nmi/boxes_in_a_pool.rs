// SPDX-License-Identifier: GPL-2.0

//! A pool of objects that own memory: an NMI handler would take it out and free it.

use kalloc::{nmi_safe, prelude::*};

nmi_safe! {
    pub struct Watch {
        pub samples: ObjPool<Option<KBox<u32>>>, //~ ERROR: the trait bound
    }
}
