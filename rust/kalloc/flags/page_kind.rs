// SPDX-License-Identifier: GPL-2.0

//! The kinds of page memory, as types: low, high and compound. They follow from the flags.

use crate::{
    flags::{
        bases::*,
        gfp::Gfp,
        modifiers::*, //
    },
    ground::sealed::Sealed, //
};
use core::marker::PhantomData;

/// A kind of page memory: [`Low`], [`High`], or [`Compound`] of either.
pub trait Kind: Sealed + 'static {
    /// The same memory as a compound page.
    #[doc(hidden)]
    type Compound: Kind;
    /// The same memory, from high memory.
    #[doc(hidden)]
    type High: Kind;
}

/// Memory with a kernel address.
#[derive(Debug)]
pub struct Low;

/// Memory that may have no kernel address. It is accessed through local mappings.
#[derive(Debug)]
pub struct High;

/// A compound page of the memory `K`.
#[derive(Debug)]
pub struct Compound<K>(PhantomData<K>);

macro_rules! kinds {
    ($($kind:ty: $compound:ty, $high:ty;)*) => {$(
        impl Sealed for $kind {}
        impl Kind for $kind {
            type Compound = $compound;
            type High = $high;
        }
    )*};
}

kinds! {
    Low: Compound<Low>, High;
    High: Compound<High>, High;
    Compound<Low>: Compound<Low>, Compound<High>;
    Compound<High>: Compound<High>, Compound<High>;
}

/// Memory with a kernel address.
#[diagnostic::on_unimplemented(
    message = "memory that may be high has no kernel address",
    label = "these pages may have no kernel address",
    note = "see it through `Pages::map_local`, or allocate it without `.highmem()`, `GFP_HIGHUSER` and `GFP_HIGHUSER_MOVABLE`"
)]
pub trait Addressable: Kind {}
impl Addressable for Low {}
impl Addressable for Compound<Low> {}

/// Pages that are not one compound page.
#[diagnostic::on_unimplemented(
    message = "a compound page cannot be split",
    label = "these pages are one compound page",
    note = "allocate them without `.comp()`"
)]
pub trait Splittable: Kind {}
impl Splittable for Low {}
impl Splittable for High {}

/// The kind of memory that flags select.
pub trait Memory: Gfp {
    /// The kind of the memory.
    type Kind: Kind;
}

macro_rules! memory {
    (
        bases: $([$($base:ident)*] => $kind:ty;)*
        modifiers: [$($same:ident)*] => same; [$($high:ident)*] => High; [$($comp:ident)*] => Compound;
    ) => {
        $($(impl Memory for $base { type Kind = $kind; })*)*
        $(impl<F: Memory> Memory for $same<F> where Self: Gfp { type Kind = F::Kind; })*
        $(impl<F: Memory> Memory for $high<F> { type Kind = <F::Kind as Kind>::High; })*
        $(impl<F: Memory> Memory for $comp<F> { type Kind = <F::Kind as Kind>::Compound; })*
    };
}

memory! {
    bases:
        [GfpKernel GfpKernelAccount GfpUser GfpNoFs GfpNoIo GfpAtomic GfpNowait GfpNoReclaim] => Low;
        [GfpHighUser GfpHighUserMovable] => High;
    modifiers:
        [Dma Dma32 NoRetry RetryMayfail NoFail Movable Reclaimable Zeroed NoWarn Account ThisNode Hardwall
         NoMemalloc] => same;
        [Highmem] => High;
        [Comp] => Compound;
}
