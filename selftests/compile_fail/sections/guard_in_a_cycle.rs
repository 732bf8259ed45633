// SPDX-License-Identifier: GPL-2.0

//! A guard in a cycle of counts, which nobody drops, and process context after it.

use core::cell::RefCell;
use kalloc::prelude::*;
use kernel::sync::Arc;

pub struct Cycle<G>(RefCell<Option<(G, Arc<Cycle<G>>)>>);

pub fn section(task: &mut TaskCx) -> Result<KBox<u32>> {
    section!(scope = task, memalloc_noio_save());
    let cycle = Arc::new_with(&scope.cx(), Cycle(RefCell::new(None)))?;
    *cycle.0.borrow_mut() = Some((scope, cycle.clone()));
    Ok(KBox::new(&task, 1)?) //~ ERROR: cannot borrow
}
