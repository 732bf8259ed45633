// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{
    nolock::{self, NolockPages},
    prelude::*,
};

pub fn everywhere(cx: &mut NmiCx<'_>, node: Node) -> Option<NolockBox<u32>> {
    NolockBox::<[u8; nolock::MAX_SIZE]>::new_uninit(&cx).ok()?;
    NolockBox::new(cx.with(GFP_NOLOCK.account()), 1).ok()?;
    NolockBox::<u32>::zeroed(cx.with(GFP_NOLOCK).on(node)).ok()
}

pub fn as_a_kbox(cx: &AtomicCx<'_>, memory: NolockBox<u32>) -> KBox<u32> {
    memory.into_kbox(cx)
}

pub fn pages(cx: &mut NmiCx<'_>) -> Option<NolockPages<{ nolock::MAX_ORDER }>> {
    NolockPages::new(&cx).ok()
}
