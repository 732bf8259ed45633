// SPDX-License-Identifier: GPL-2.0

//! A handler of NMIs, which drivers have only on x86.

//@only-target: arm64

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{nmi, nmi_safe, prelude::*};

nmi_safe! {
    pub struct Count {
        pub count: AtomicU32,
    }
}

impl nmi::Handler for Count {
    fn handle(&self, _cx: &mut NmiCx<'_>) -> bool {
        self.count.fetch_add(1, Relaxed);
        false
    }
}

pub fn count(task: &TaskCx) -> Result<nmi::Registration<Count>> {
    let count = Count {
        count: AtomicU32::new(0),
    };
    nmi::Registration::new(task, nmi::Type::Local, count) //~ ERROR: drivers can handle NMIs only on x86
}
