// SPDX-License-Identifier: GPL-2.0

//! The allocators of untyped memory, as type parameters of boxes and vectors.

use crate::ground::sealed::Sealed;

/// kmalloc, as the parameter of [`KBox`](crate::boxed::KBox) and [`KVec`](crate::vec::KVec).
#[derive(Debug)]
pub enum Kmalloc {}

/// vmalloc, as the parameter of [`VBox`](crate::boxed::VBox) and [`VVec`](crate::vec::VVec).
#[derive(Debug)]
pub enum Vmalloc {}

/// kvmalloc, as the parameter of [`KVBox`](crate::boxed::KVBox) and [`KVVec`](crate::vec::KVVec).
#[derive(Debug)]
pub enum KVmalloc {}

/// [`Kmalloc`], [`Vmalloc`] or [`KVmalloc`].
// The trait is public because it is a bound in public traits.
#[allow(unreachable_pub)]
pub trait UntypedAllocator: Sealed {}

impl Sealed for Kmalloc {}
impl Sealed for Vmalloc {}
impl Sealed for KVmalloc {}
impl UntypedAllocator for Kmalloc {}
impl UntypedAllocator for Vmalloc {}
impl UntypedAllocator for KVmalloc {}
