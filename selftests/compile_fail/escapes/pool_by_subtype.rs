// SPDX-License-Identifier: GPL-2.0

//! Two names of pools, one of which is a subtype of the other: an object would change its pool.

use core::marker::PhantomData;
use kalloc::{
    __macro::{ModuleStaticRef, StaticPool},
    prelude::*,
    slab::{Args, Cache, SlabBox},
};

pub struct Name<X>(PhantomData<X>);

impl StaticPool for Name<for<'a> fn(&'a u8)> { //~ ERROR: is not the name of a pool
    type Pool = Cache<u64>;
    const PLACE: ModuleStaticRef<Cache<u64>> = <First as StaticPool>::PLACE;
    const ARGS: Args<'static, u64> = Args::new(c"first");
}
impl StaticPool for Name<fn(&'static u8)> { //~ ERROR: is not the name of a pool
    type Pool = Cache<u64>;
    const PLACE: ModuleStaticRef<Cache<u64>> = <Second as StaticPool>::PLACE;
    const ARGS: Args<'static, u64> = Args::new(c"second");
}

pub fn changes_its_pool(
    of_the_first: SlabBox<u64, Name<for<'a> fn(&'a u8)>>,
) -> SlabBox<u64, Name<fn(&'static u8)>> {
    of_the_first
}

struct Driver;

impl kalloc::Module for Driver {
    fn init(_module: &'static ThisModule, _task: &mut TaskCx) -> Result<Self> {
        Ok(Driver)
    }
}

kalloc::module! {
    type: Driver,
    pools: {
        static First: Cache<u64> = Args::new(c"first");
        static Second: Cache<u64> = Args::new(c"second");
    },
    name: "ok",
    license: "GPL",
}
