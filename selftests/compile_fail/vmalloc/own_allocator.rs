// SPDX-License-Identifier: GPL-2.0

//! An allocator of the driver's own.

use kalloc::{allocator::Allocator, prelude::*};

pub struct Mine;

impl Allocator for Mine {} //~ ERROR: not satisfied
//~^ ERROR: not satisfied
//~^^ ERROR: not all trait items

pub type MyBox = Box<u32, Mine>;
