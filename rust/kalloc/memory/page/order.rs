// SPDX-License-Identifier: GPL-2.0

//! [`Order`] and [`AnyOrder`]: the number of pages, as an exponent of two.

use super::{
    MAX_ORDER,
    MAX_SIZE, //
};
use crate::ground::sealed::Sealed;
use core::fmt;
use kernel::{
    error::{
        code::EINVAL,
        Result, //
    },
    page::PAGE_SIZE, //
};

/// The order of an allocation: the base-2 logarithm of the number of pages.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an order of pages",
    note = "`Order::<N>` is an order that is known at build time, `AnyOrder::new(n)?` one that is not"
)]
pub trait PageOrder: Sealed + Copy + fmt::Debug + Send + Sync + 'static {
    /// The largest order of this type.
    #[doc(hidden)]
    const MAX: u32;

    /// The order.
    fn order(self) -> u32;

    /// The number of pages.
    #[inline(always)]
    fn nr_pages(self) -> usize {
        1 << self.order()
    }

    /// The number of bytes.
    #[inline(always)]
    fn size(self) -> usize {
        PAGE_SIZE << self.order()
    }
}

/// A constant order. One above [`MAX_ORDER`] does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<const N: u32>;

impl<const N: u32> Sealed for Order<N> {}
impl<const N: u32> PageOrder for Order<N> {
    const MAX: u32 = N;
    #[inline(always)]
    fn order(self) -> u32 {
        N
    }
}

/// An order that is known at run time.
///
/// # Invariants
///
/// The order is at most [`MAX_ORDER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyOrder(u32);

impl AnyOrder {
    /// The order `order`.
    ///
    /// # Errors
    ///
    /// `EINVAL` above [`MAX_ORDER`]. The kernel would warn.
    ///
    /// ```
    /// use kalloc::{page::MAX_ORDER, prelude::*};
    ///
    /// assert!(AnyOrder::new(MAX_ORDER + 1).is_err());
    /// ```
    #[inline]
    pub const fn new(order: u32) -> Result<Self> {
        if order <= MAX_ORDER {
            // INVARIANT: Checked above.
            Ok(Self(order))
        } else {
            Err(EINVAL)
        }
    }

    /// The smallest order that holds `size` bytes, wraps `get_order()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for 0 bytes, for which C's result is undefined, and for more than [`MAX_SIZE`].
    ///
    /// ```
    /// use kalloc::{page::PageOrder, prelude::*};
    /// use kernel::page::PAGE_SIZE;
    ///
    /// assert_eq!(AnyOrder::for_size(3 * PAGE_SIZE)?.order(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "get_order")]
    #[inline]
    pub const fn for_size(size: usize) -> Result<Self> {
        if size == 0 || size > MAX_SIZE {
            return Err(EINVAL);
        }
        // INVARIANT: `MAX_SIZE` bytes have the order `MAX_ORDER`, and fewer have no larger one.
        Ok(Self(
            size.div_ceil(PAGE_SIZE)
                .next_power_of_two()
                .trailing_zeros(),
        ))
    }
}

impl Sealed for AnyOrder {}
impl PageOrder for AnyOrder {
    const MAX: u32 = MAX_ORDER;
    #[inline(always)]
    fn order(self) -> u32 {
        self.0
    }
}
