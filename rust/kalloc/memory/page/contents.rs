// SPDX-License-Identifier: GPL-2.0

//! What the bytes of pages are: a type.

use super::{
    FreePages,
    Memory,
    Pages, //
};
use crate::contexts::grant::Grant;
use core::mem::MaybeUninit;

/// What the bytes of pages are: `u8`, or `MaybeUninit<u8>`.
pub trait PageBytes: private::PageBytes + Copy + Send + Sync + 'static {}

impl PageBytes for u8 {}
impl PageBytes for MaybeUninit<u8> {}

mod private {
    /// Keeps the trait of that name for bytes.
    pub trait PageBytes {}
    impl PageBytes for u8 {}
    impl PageBytes for core::mem::MaybeUninit<u8> {}
}

/// The memory that the grant `G` gives.
pub type KindOf<G> = <<G as Grant>::Flags as Memory>::Kind;

/// Pages that the grant `G` gives, before they are initialised.
pub type NewPages<O, G> = Pages<O, MaybeUninit<u8>, KindOf<G>>;

/// The same, known by their address.
pub type NewFreePages<O, G> = FreePages<O, MaybeUninit<u8>, KindOf<G>>;
