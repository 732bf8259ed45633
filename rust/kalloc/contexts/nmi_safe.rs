// SPDX-License-Identifier: GPL-2.0

//! [`NmiSafe`]: types that an NMI handler may share with other code.

use crate::ground::field::Exact;
use core::sync::atomic::{
    AtomicBool,
    AtomicI16,
    AtomicI32,
    AtomicI8,
    AtomicIsize,
    AtomicU16,
    AtomicU32,
    AtomicU8,
    AtomicUsize, //
};
#[cfg(CONFIG_64BIT)]
use core::sync::atomic::{
    AtomicI64,
    AtomicU64, //
};

/// Types that an NMI handler may have a shared reference to. No safe call through the reference
/// takes a lock, or moves out a value that must not be dropped in an NMI.
///
/// The kernel frees no memory in an NMI handler, and the interrupted code may hold any lock.
/// Dropping a box takes no token, so a handler must not be able to get ownership of one. These types are
/// `NmiSafe`: numbers, atomics and per-CPU integers, pools of objects, references to these types,
/// and structs of them, which [`nmi_safe!`](crate::nmi_safe) declares:
///
/// ```
/// use core::sync::atomic::AtomicU64;
/// use kalloc::{nmi_safe, prelude::*};
///
/// nmi_safe! {
///     /// What the handler counts.
///     struct Watch {
///         seen: AtomicU64,
///         samples: ObjPool<[u64; 4]>,
///     }
/// }
/// ```
///
/// Every handler can use statics, which no type checks. A lock in a static is as dangerous as in C.
///
/// # Safety
///
/// Through `&Self`, safe code in an NMI handler cannot take a lock, and cannot get ownership of a
/// value with drop glue, except kalloc's own types for NMI handlers
/// ([`NolockBox`](crate::nolock::NolockBox), [`RcuBox`](crate::rcu::RcuBox),
/// [`PoolBox`](crate::objpool::PoolBox)).
#[diagnostic::on_unimplemented(
    message = "an NMI handler must not have `{Self}`",
    label = "may lead to a lock, or to memory that is freed",
    note = "permitted are numbers, atomics, `PerCpu` of integers, an `ObjPool` of `Copy` types, and structs of these that \
            `nmi_safe!` declares"
)]
pub unsafe trait NmiSafe {}

macro_rules! plain {
    ($($name:ty)*) => {$(
        // SAFETY: A plain number or an atomic has no lock and no drop glue.
        unsafe impl NmiSafe for $name {}
    )*};
}

plain! {
    () bool char u8 i8 u16 i16 u32 i32 u64 i64 usize isize
    AtomicBool AtomicU8 AtomicI8 AtomicU16 AtomicI16 AtomicU32 AtomicI32 AtomicUsize AtomicIsize
}
#[cfg(CONFIG_64BIT)]
plain! { AtomicU64 AtomicI64 }

// SAFETY: `&&T` gives access to a `&T` only, and `T` is `NmiSafe`.
unsafe impl<T: ?Sized + NmiSafe> NmiSafe for &T {}
// SAFETY: `&[T]` gives access to values of type `T` only, and `T` is `NmiSafe`.
unsafe impl<T: NmiSafe> NmiSafe for [T] {}
// SAFETY: `&[T; N]` gives access to values of type `T` only, and `T` is `NmiSafe`.
unsafe impl<T: NmiSafe, const N: usize> NmiSafe for [T; N] {}
// SAFETY: `&Option<T>` gives access to a `&T` only, and `T` is `NmiSafe`.
unsafe impl<T: NmiSafe> NmiSafe for Option<T> {}

/// Checks at build time that a type is `NmiSafe`, for [`nmi_safe!`](crate::nmi_safe).
#[doc(hidden)]
pub const fn nmi_safe<T: ?Sized + NmiSafe>(_: Exact<T>) {}

/// Declares a struct whose fields are all [`NmiSafe`], and implements [`NmiSafe`] for it.
///
/// The struct and its fields take documentation and no other attributes. With `#[cfg]`, for
/// example, the fields that are checked might not be those of the struct.
///
/// [`NmiSafe`]: crate::context::NmiSafe
#[macro_export]
macro_rules! nmi_safe {
    (
        $(#[doc = $doc:expr])*
        $vis:vis struct $name:ident {
            $($(#[doc = $field_doc:expr])* $field_vis:vis $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        $vis struct $name {
            $($(#[doc = $field_doc])* $field_vis $field: $type,)*
        }

        // A pattern without `..` names every field of the struct.
        const _: fn(&$name) = |whole| {
            let $name { $($field),* } = whole;
            // A type that contains a macro could be another type here. The `let` gives the field no
            // expected type, so its type is not coerced to this one.
            $(
                let exact = $crate::__macro::exact($field);
                $crate::__macro::nmi_safe::<$type>(exact);
            )*
        };

        // SAFETY: The struct has exactly the fields that are declared above. The function above
        // checks that the type of each is `NmiSafe`.
        unsafe impl $crate::__macro::NmiSafe for $name {}
    };
}
