// SPDX-License-Identifier: GPL-2.0

//! Another implementation in the place of the generics, for the macro to sign.

use kalloc::{prelude::*, work::impl_has_work};

pub struct Thing(pub TaskCx);

impl_has_work! { //~ ERROR: requires an `unsafe impl` declaration
    impl{> Send for Thing {} #[cfg(any())] impl<} HasWork<Self> for Thing { self.work }
}
