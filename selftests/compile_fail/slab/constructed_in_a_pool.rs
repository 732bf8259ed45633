// SPDX-License-Identifier: GPL-2.0

//! A memory pool does not know the constructor.

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

pub fn pool(task: &TaskCx, cache: &ConstructedCache<Session>) -> Result {
    kalloc::mempool::Mempool::<Session, _>::slab(task, 4, cache)?; //~ ERROR: is not a reference to
    //~^ ERROR: is not a reference to
    //~^^ ERROR: is not a reference to
    Ok(())
}
