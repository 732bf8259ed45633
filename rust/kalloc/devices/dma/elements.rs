// SPDX-License-Identifier: GPL-2.0

//! [`Elements`]: what the CPU writes to memory that it does not read.

/// Sequences of elements, for contents that the CPU only writes.
pub trait Elements {
    /// The type of the elements.
    type Element: Copy;

    /// Copies `values` to the elements from index `at` on. Returns whether they fit.
    #[doc(hidden)]
    fn put(&mut self, at: usize, values: &[Self::Element]) -> bool;

    /// Writes `value` to every element.
    #[doc(hidden)]
    fn put_everywhere(&mut self, value: Self::Element);
}

impl<T: Copy> Elements for [T] {
    type Element = T;

    #[inline(always)]
    fn put(&mut self, at: usize, values: &[T]) -> bool {
        match at
            .checked_add(values.len())
            .and_then(|end| self.get_mut(at..end))
        {
            Some(place) => {
                place.copy_from_slice(values);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    fn put_everywhere(&mut self, value: T) {
        self.fill(value);
    }
}

impl<T: Copy, const N: usize> Elements for [T; N] {
    type Element = T;

    #[inline(always)]
    fn put(&mut self, at: usize, values: &[T]) -> bool {
        self.as_mut_slice().put(at, values)
    }

    #[inline(always)]
    fn put_everywhere(&mut self, value: T) {
        self.fill(value);
    }
}
