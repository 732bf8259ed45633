// SPDX-License-Identifier: GPL-2.0

//! x

use kalloc::prelude::*;
#[path = "testlib.rs"]
mod testlib;
testlib::tests! { "test_kmalloc": }
