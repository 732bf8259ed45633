// SPDX-License-Identifier: GPL-2.0

//! What is left in an object is found by the next box, which may live longer.

use core::pin::Pin;
use kalloc::{prelude::*, slab::*};

pub struct S<'a> {
    pub value: Option<&'a u32>,
}

impl Construct for S<'_> {
    fn construct() -> impl PinInit<Self> {
        init!(S { value: None })
    }
}

impl Constructed for S<'_> {
    fn reset(self: Pin<&mut Self>) {}
}

fn put<'a>(task: &TaskCx, cache: &ConstructedCache<S<'a>>, x: &'a u32) -> Result {
    let mut object = ConstructedBox::new(task, cache)?;
    object.value = Some(x);
    Ok(())
}

pub fn attack(task: &TaskCx, cache: &ConstructedCache<S<'static>>) -> Result<Option<&'static u32>> {
    let x = KBox::new(task, 7)?;
    put(task, cache, &x)?; //~ ERROR: does not live long enough
    Ok(ConstructedBox::new(task, cache)?.value)
}
