// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{
    nolock::{self, NolockPages},
    prelude::*,
};

pub fn everywhere(cx: &mut Nmi<'_>, node: Node) -> Option<NolockBox<u32>> {
    NolockBox::<[u8; nolock::MAX_SIZE]>::new_uninit(&cx).ok()?;
    NolockBox::new(cx.with(Nolock.account()), 1).ok()?;
    NolockBox::<u32>::zeroed(cx.with(Nolock).on(node)).ok()
}

pub fn as_a_kbox(cx: &Atomic<'_>, memory: NolockBox<u32>) -> KBox<u32> {
    memory.into_kbox(cx)
}

pub fn pages(cx: &mut Nmi<'_>) -> Option<NolockPages<{ nolock::MAX_ORDER }>> {
    NolockPages::new(&cx).ok()
}
