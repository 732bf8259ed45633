// SPDX-License-Identifier: GPL-2.0

//! The allocators of memory that has no type, as parameters of boxes and vectors.

/// kmalloc, as the parameter of [`KBox`](crate::boxed::KBox) and [`KVec`](crate::vec::KVec).
#[derive(Debug)]
pub enum Kmalloc {}

/// vmalloc, as the parameter of [`VBox`](crate::boxed::VBox) and [`VVec`](crate::vec::VVec).
#[derive(Debug)]
pub enum Vmalloc {}

/// kvmalloc, as the parameter of [`KVBox`](crate::boxed::KVBox) and [`KVVec`](crate::vec::KVVec).
#[derive(Debug)]
pub enum KVmalloc {}
