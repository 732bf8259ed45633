// SPDX-License-Identifier: GPL-2.0

//! What keeps traits for the types of this crate.

/// Keeps the traits of this crate for its own types: a context made elsewhere would prove
/// nothing.
pub trait Sealed {}
