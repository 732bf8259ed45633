// SPDX-License-Identifier: GPL-2.0

//! One type for the offset, another one for the type of the field.

use kalloc::{
    percpu::{field, CpuLocal},
    prelude::*,
};

pub trait Of<Y> {
    type Before;
}
pub struct Odd<X: Of<Y>, Y> {
    pub before: <X as Of<Y>>::Before,
    pub value: CpuLocal<u64>,
    pub y: core::marker::PhantomData<Y>,
}
pub struct Long;
pub struct Short;
impl<X> Of<Short> for X {
    type Before = u8;
}

pub fn count<X: Of<Long>>(odd: &PerCpu<Odd<X, Short>>)
where
    Odd<X, Short>: Sync,
{
    odd.at(field!(Odd<X, _>, value)).inc(); //~ ERROR: takes a struct by its name
}
