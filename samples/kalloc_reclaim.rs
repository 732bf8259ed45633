// SPDX-License-Identifier: GPL-2.0

//! The seven ways to say how hard the kernel should look for memory, each allocated and printed
//! with its bits as the kernel names them.

use kalloc::prelude::*;

struct MayReclaim;

/// Allocates with the flags of `grant` and prints them.
fn show<G: Grant<Flags: ForKmalloc>>(grant: G, behaviour: &str) -> Result {
    let memory = KBox::<[u8; 64]>::new_uninit(grant)?;
    pr_info!("{}: {}\n", grant.flags(), behaviour);
    drop(memory);
    Ok(())
}

impl kalloc::Module for MayReclaim {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        show(
            task.with(GFP_NORECLAIM),
            "no reclaim attempt at all, the lightest",
        )?;
        show(task.with(GFP_NOWAIT), "wakes kswapd, no direct reclaim")?;
        show(
            task.with(GFP_ATOMIC),
            "no direct reclaim, uses emergency reserves",
        )?;
        show(&task, "background and direct reclaim, the standard")?;
        show(
            task.with(GFP_KERNEL.noretry()),
            "one round of reclaim, no OOM killer",
        )?;
        show(
            task.with(GFP_KERNEL.retry_mayfail()),
            "retries hard, fails if there is no progress",
        )?;
        show(task.with(GFP_KERNEL.nofail()), "loops until it succeeds")?;
        Ok(MayReclaim)
    }
}

kalloc::module! {
    type: MayReclaim,
    name: "kalloc_reclaim",
    authors: ["The kalloc authors"],
    description: "kalloc sample: reclaim behaviour by flags",
    license: "GPL",
}
