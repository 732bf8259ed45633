// SPDX-License-Identifier: GPL-2.0

//! Type parameters of pages: [`PageBytes`], and the aliases for new pages.

use super::{
    FreePages,
    Memory,
    Pages, //
};
use crate::contexts::grant::Grant;
use core::mem::MaybeUninit;

/// The type of the bytes of pages: `u8`, or `MaybeUninit<u8>`.
pub trait PageBytes: private::PageBytes + Copy + Send + Sync + 'static {}

impl PageBytes for u8 {}
impl PageBytes for MaybeUninit<u8> {}

mod private {
    /// Seals the trait of the same name.
    pub trait PageBytes {}
    impl PageBytes for u8 {}
    impl PageBytes for core::mem::MaybeUninit<u8> {}
}

/// The kind of pages that the grant `G` gives.
pub type KindOf<G> = <<G as Grant>::Flags as Memory>::Kind;

/// New, uninitialised [`Pages`] of the grant `G`.
pub type NewPages<O, G> = Pages<O, MaybeUninit<u8>, KindOf<G>>;

/// New, uninitialised [`FreePages`] of the grant `G`.
pub type NewFreePages<O, G> = FreePages<O, MaybeUninit<u8>, KindOf<G>>;
