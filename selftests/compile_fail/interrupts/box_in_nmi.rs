// SPDX-License-Identifier: GPL-2.0

//! A handler of NMIs that can take a box out of its data, and drop it.

use kalloc::{nmi, prelude::*};
use kernel::sync::SpinLock;

pub struct Slot(SpinLock<Option<KBox<u32>>>);

impl nmi::Handler for Slot { //~ ERROR: must not have
    fn handle(&self, _cx: &mut NmiCx<'_>) -> bool {
        drop(self.0.try_lock().and_then(|mut slot| slot.take()));
        true
    }
}
