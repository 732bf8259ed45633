// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{platform, prelude::*};
use kernel::device::{Bound, Core, Device};

/// A driver's data, with all that it allocated.
pub struct State<'bound> {
    pub ring: Devm<'bound, [u64]>,
    pub name: Devm<'bound, CStr>,
    pub log: Devm<'bound, KVec<u32>>,
    pub first: &'bound u32,
}

pub fn state<'bound>(dev: &'bound Device<Core<'_>>, task: &TaskCx) -> Result<State<'bound>> {
    Ok(State {
        ring: Devm::zeroed_slice(task, dev, 16)?,
        name: Devm::kasprintf(task, dev, fmt!("{}", dev.name()))?,
        log: Devm::new_with_drop(task, dev, KVec::new())?,
        first: Devm::new(task, dev, 1)?.into_mut(),
    })
}

pub struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = State<'bound>;

    fn probe<'bound>(
        dev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<State<'bound>, Error> {
        state(dev.as_ref(), &task)
    }
}

pub fn in_atomic<'bound>(cx: &AtomicCx<'_>, dev: &'bound Device<Bound>) -> Result<Devm<'bound, u32>> {
    let old = Devm::new(cx, dev, 1)?;
    let new = Devm::new(cx, dev, *old + 1)?;
    old.free(cx);
    Ok(new)
}
