// SPDX-License-Identifier: GPL-2.0

//! [`Sealed`]: keeps drivers from implementing traits of this crate.

/// A supertrait that only types of this crate implement. A context of another crate would prove
/// nothing.
pub trait Sealed {}
