// SPDX-License-Identifier: GPL-2.0

//! Claims a context that it is not in, which a kernel with `CONFIG_DEBUG_ATOMIC_SLEEP` notices; one
//! claim a load, for `host/log.sh`.

use kalloc::prelude::*;
use kernel::time::{delay::fsleep, Delta};
use testlib::{in_hardirq, in_nmi, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

/// Claims it. Nobody does anything with the token.
macro_rules! claim {
    ($token:ty) => {{
        // SAFETY: None; that is the point.
        let _token = unsafe { <$token>::assume() };
    }};
}

fn claim(task: &mut TaskCx) -> Outcome {
    match testlib::series::parameter!(claim) {
        0 => task.preempt_off(|_| claim!(TaskCx)),
        1 => {
            // The kernel speaks of sleeping no more than once a second.
            fsleep(Delta::from_millis(1100));
            task.nofs(|cx| cx.rcu_read(|_, _| claim!(NoFsCx<'_>)))
        }
        2 => in_hardirq(|_| claim!(AtomicCx<'_>))?,
        3 => claim!(BhCx<'_>),
        4 => in_nmi(|_| claim!(IrqCx<'_>))?,
        5 => in_nmi(|_| claim!(RawCx<'_>))?,
        6 => claim!(NmiCx<'_>),
        7 => claim!(NoFsCx<'_>),
        8 => task.nofs(|_| claim!(NoIoCx<'_>)),
        9 => claim!(NoReclaimCx<'_>),
        10 => task.irqs_off(|_| claim!(AtomicCx<'_>)),
        11 => task.bh_off(|cx| cx.irqs_off(|_| claim!(BhCx<'_>))),
        _ => return Err(testlib::Stop::Fail),
    }
    Ok(())
}

struct Claim;

impl kalloc::Module for Claim {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        testlib::run(task, &[("claim", claim)])?;
        Ok(Claim)
    }
}

kalloc::module! {
    type: Claim,
    name: "provoke_claim",
    authors: ["The kalloc authors"],
    description: "Claims contexts wrongly",
    license: "GPL",
    params: {
        claim: u32 {
            default: 0,
            description: "Which claim",
        },
    },
}
