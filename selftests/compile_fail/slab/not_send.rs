// SPDX-License-Identifier: GPL-2.0

//! An object that must not leave its thread.

use kalloc::{prelude::*, slab::*};
use kernel::types::NotThreadSafe;

fn send<T: Send>(_: T) {}

pub fn number(object: SlabBox<(u8, NotThreadSafe), &Cache<(u8, NotThreadSafe)>>) {
    send(object); //~ ERROR: cannot be sent between threads
}
