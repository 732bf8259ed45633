// SPDX-License-Identifier: GPL-2.0

//! A name of a pool that nobody makes.

use kalloc::{__macro::{ModuleStatic, ModuleStaticRef, StaticPool}, mempool::Mempool};

pub struct Reserve;

impl StaticPool for Reserve { //~ ERROR: is not the name of a pool
    type Pool = Mempool<u32>;
    const PLACE: ModuleStaticRef<Mempool<u32>> = {
        static PLACE: ModuleStatic<Mempool<u32>> = ModuleStatic::new();
        ModuleStaticRef::new(&PLACE)
    };
    const ARGS: usize = 4;
}
