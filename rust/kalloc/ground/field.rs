// SPDX-License-Identifier: GPL-2.0

//! [`Field`]: a proof that a struct has a field, with the offset of the field.
//!
//! Only the macro [`field!`](crate::field!) makes it. APIs that need the offset of a field take a
//! [`Field`]: per-CPU values ([`PerCpu::at`](crate::percpu::PerCpu::at)), usercopy windows
//! ([`usercopy!`](crate::usercopy!)), and work items
//! ([`HasWork::FIELD`](crate::work::HasWork::FIELD)).

use core::{
    fmt,
    marker::PhantomData, //
};

/// Exactly the type `F`: the type is invariant, so nothing coerces to it.
#[doc(hidden)]
pub struct Exact<F: ?Sized>(PhantomData<fn(*mut F) -> *mut F>);

impl<F: ?Sized> fmt::Debug for Exact<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exact")
    }
}

/// The exact type that the reference points to.
#[doc(hidden)]
pub const fn exact<F: ?Sized>(_: &F) -> Exact<F> {
    Exact(PhantomData)
}

/// A field of type `F` of the struct `S`, made by [`field!`](crate::field!).
///
/// # Invariants
///
/// Each `S` has an `F` at this offset, in bytes, aligned as an `F` is.
pub struct Field<S, F>(usize, PhantomData<(Exact<S>, Exact<F>)>);

impl<S, F> Field<S, F> {
    /// For the macro. The function is never called. It proves that the field can be borrowed and
    /// has the type `F`.
    ///
    /// # Safety
    ///
    /// Each `S` has an `F` at `offset`, in bytes, aligned as an `F` is.
    #[doc(hidden)]
    #[inline(always)]
    pub const unsafe fn new(offset: usize, _of: fn(&S) -> Exact<F>) -> Self {
        // INVARIANT: `# Safety`: each `S` has an aligned `F` at `offset`.
        Self(offset, PhantomData)
    }

    /// The offset of the field in the struct, in bytes.
    #[inline(always)]
    pub const fn offset(&self) -> usize {
        self.0
    }
}

impl<S, F> Clone for Field<S, F> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S, F> Copy for Field<S, F> {}

impl<S, F> fmt::Debug for Field<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.0).finish()
    }
}

/// A field of a struct, as a [`percpu::Field`](crate::percpu::Field): `field!(Struct, name)`.
///
/// The struct is a path of names, with names as arguments: `Struct`, `Self`, `module::Struct<T>`. A
/// type alias gives any other type such a name. The macro uses the type twice, and a type that
/// contains a macro could be another type each time.
///
/// The field is one of the struct itself, is visible to the caller, and has exactly the expected
/// type. A field reached through `Deref`, of a packed struct or of a union does not compile.
///
/// ```
/// use kalloc::{field, percpu::Field};
///
/// struct Pair { first: u32, second: u64 }
///
/// const SECOND: Field<Pair, u64> = field!(Pair, second);
/// ```
#[macro_export]
macro_rules! field {
    ($($struct:ident)::+ $(<$($arg:ident),+ $(,)?>)?, $field:ident) => {{
        let offset = $crate::__macro::core::mem::offset_of!($($struct)::+ $(<$($arg),+>)?, $field);
        // The `let` gives the field no expected type, so its type is not coerced.
        let of: fn(&$($struct)::+ $(<$($arg),+>)?) -> $crate::__macro::Exact<_> = |whole| {
            let exact = $crate::__macro::exact(&whole.$field);
            exact
        };
        // SAFETY: `offset_of!` accepts only a field of the struct itself. `of` borrows the field,
        // so it is aligned and of the type `F`: borrowing a field of a packed struct or a union
        // needs `unsafe`.
        unsafe { $crate::__macro::Field::new(offset, of) }
    }};
    ($struct:ty, $field:ident) => {
        $crate::__macro::core::compile_error!(
            "`field!` takes a struct by its name, such as `Struct` or `module::Struct<T>`; give this type a name with `type`"
        )
    };
}
