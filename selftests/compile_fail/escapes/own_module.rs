// SPDX-License-Identifier: GPL-2.0

//! A thread that is not counted for its module.

use kalloc::in_flight::{InFlight, LocalModule};

struct Nobody;

impl LocalModule for Nobody { //~ ERROR: requires an `unsafe impl`
    fn in_flight() -> &'static InFlight {
        loop {}
    }
}
