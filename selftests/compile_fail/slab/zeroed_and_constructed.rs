// SPDX-License-Identifier: GPL-2.0

//! Zeroes would undo what the constructor did: the kernel warns.

use core::pin::Pin;
use kalloc::{prelude::*, slab::*};

pub struct Session {
    pub id: u64,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        init!(Session { id: 7 })
    }
}

impl Constructed for Session {
    fn reset(mut self: Pin<&mut Self>) {
        self.id = 7;
    }
}

pub fn session(task: &TaskCx, cache: &ConstructedCache<Session>) -> Result {
    ConstructedBox::new(task.with(GFP_KERNEL.zeroed()), cache)?; //~ ERROR: does not accept
    Ok(())
}
