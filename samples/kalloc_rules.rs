// SPDX-License-Identifier: GPL-2.0

//! The rules of thumb of kernel memory allocation, a function each, in the context that each names.

use kalloc::prelude::*;
use kernel::{new_spinlock, sync::SpinLock};

/// "Decide whether you can sleep. If you are in an interrupt handler, in a bottom half, or if you
/// hold a lock, you cannot."
///
/// The token in reach has decided: inside the closure it is `cx`, which cannot sleep, and `task`
/// cannot be used.
fn decide(task: &mut TaskCx, counter: &SpinLock<u32>) -> Result {
    let in_process_context = KBox::new(&task, 1u32)?;
    task.locked(counter, |counter, cx| -> Result {
        let with_a_lock_held = KBox::new(&cx, 2u32)?;
        *counter += *in_process_context + *with_a_lock_held;
        Ok(())
    })
}

/// "If you can sleep, specify GFP_KERNEL."
fn can_sleep(task: &TaskCx) -> Result<KBox<u32>> {
    // It is the default where sleeping is allowed.
    Ok(KBox::new(task, 3)?)
}

/// "If you cannot sleep, specify GFP_ATOMIC."
fn cannot_sleep(cx: &AtomicCx<'_>) -> Result<KBox<u32>> {
    // It is the default where sleeping is not allowed.
    Ok(KBox::new(cx, 4)?)
}

/// "If you need DMA-capable memory (for example, for an ISA or broken PCI device), specify
/// GFP_DMA."
fn dma_capable(task: &TaskCx) -> Result<KBox<[u8; 256]>> {
    Ok(KBox::zeroed(task.with(GFP_KERNEL.dma()))?)
}

/// "Always check for and handle a NULL return value from kmalloc()."
///
/// There is no NULL: without the `match`, or `?`, there is no memory. What did not fit comes back.
fn handle_failure(task: &TaskCx, value: [u8; 32]) -> Option<KBox<[u8; 32]>> {
    match KBox::new(task.with(GFP_NOWAIT), value) {
        Ok(memory) => Some(memory),
        Err(failed) => {
            pr_info!("no memory for {} bytes\n", failed.value.len());
            None
        }
    }
}

/// "Do not leak memory; make sure you call kfree() somewhere."
///
/// The end of the scope calls it, on the way out by `?` too.
fn no_leak(task: &TaskCx) -> Result {
    let _first = KBox::new(task, 5u32)?;
    let _second = KBox::new(task, 6u32)?;
    Ok(())
}

/// "Ensure that you do not race and call kfree() multiple times and that you never access a block
/// of memory after you free it."
///
/// Whoever takes the box has it alone. A use of `memory` behind this function's call does not
/// compile.
fn freed_once(memory: KBox<u32>) {
    drop(memory);
}

struct Rules;

impl kalloc::Module for Rules {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        let counter = KBox::pin_init(&task, new_spinlock!(0u32))?;
        decide(task, &counter)?;
        pr_info!("allocated in process context and under a lock\n");

        let memory = can_sleep(task)?;
        pr_info!("can sleep: GFP_KERNEL gave {}\n", *memory);
        freed_once(memory);

        let memory = cannot_sleep(&task.as_atomic())?;
        pr_info!("cannot sleep: GFP_ATOMIC gave {}\n", *memory);
        freed_once(memory);

        let memory = dma_capable(task)?;
        pr_info!("{} bytes from ZONE_DMA\n", memory.len());

        if handle_failure(task, [0; 32]).is_some() {
            pr_info!("a failure would have been handled\n");
        }
        no_leak(task)?;
        pr_info!("freed all of it once\n");
        Ok(Rules)
    }
}

kalloc::module! {
    type: Rules,
    name: "kalloc_rules",
    authors: ["The kalloc authors"],
    description: "kalloc sample: the rules of thumb",
    license: "GPL",
}
