// SPDX-License-Identifier: GPL-2.0

//! A name of a pool that nobody makes.

use kalloc::{mempool::Mempool, owner::{Place, PlaceRef, StaticPool}};

pub struct Reserve;

impl StaticPool for Reserve {
    type Pool = Mempool<u32>;
    const PLACE: PlaceRef<Mempool<u32>> = {
        static PLACE: Place<Mempool<u32>> = Place::new(); //~ ERROR: call to unsafe function
        PlaceRef::new(&PLACE)
    };
    const ARGS: usize = 4;
}
