// SPDX-License-Identifier: GPL-2.0

//! The seven ways to say how hard the kernel should look for memory, each allocated and printed
//! with its bits as the kernel names them.

use kalloc::prelude::*;

struct Reclaim;

/// Allocates with the flags of `grant` and prints them.
fn show<G: Grant<Flags: ForKmalloc>>(grant: G, behaviour: &str) -> Result {
    let memory = KBox::<[u8; 64]>::new_uninit(grant)?;
    pr_info!("{}: {}\n", grant.flags(), behaviour);
    drop(memory);
    Ok(())
}

impl kalloc::Module for Reclaim {
    fn init(_module: &'static ThisModule, task: Task) -> Result<Self> {
        show(
            task.with(NoReclaim),
            "no reclaim attempt at all, the lightest",
        )?;
        show(task.with(GfpNowait), "wakes kswapd, no direct reclaim")?;
        show(
            task.with(GfpAtomic),
            "no direct reclaim, uses emergency reserves",
        )?;
        show(&task, "background and direct reclaim, the standard")?;
        show(
            task.with(Kernel.noretry()),
            "one round of reclaim, no OOM killer",
        )?;
        show(
            task.with(Kernel.retry_mayfail()),
            "retries hard, fails if there is no progress",
        )?;
        show(task.with(Kernel.nofail()), "loops until it succeeds")?;
        Ok(Reclaim)
    }
}

kalloc::module! {
    type: Reclaim,
    name: "kalloc_reclaim",
    authors: ["The kalloc authors"],
    description: "kalloc sample: reclaim behaviour by flags",
    license: "GPL",
}
