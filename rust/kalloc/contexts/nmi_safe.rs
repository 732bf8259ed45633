// SPDX-License-Identifier: GPL-2.0

//! What an NMI handler may have.

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

/// What an NMI handler may have shared: values through which no safe call takes a lock, or comes to
/// own what must not be dropped there.
///
/// In an NMI handler the kernel frees nothing, and a lock may be held by whoever was interrupted.
/// Dropping a box takes no token, so what a handler can get hold of has to be kept from it. It is
/// numbers, atomics and per-CPU integers, pools of objects, references to these, and structs of
/// them, which [`nmi_safe!`](crate::nmi_safe) declares:
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
/// Statics are in every handler's reach, and no type sees them: a lock in one is as dangerous as it
/// is in C.
///
/// # Safety
///
/// With `&Self` safe code in an NMI handler can take no lock, and come to own no value with drop
/// glue other than kalloc's own for NMI handlers ([`NolockBox`](crate::nolock::NolockBox),
/// [`RcuBox`](crate::rcu::RcuBox), [`PoolBox`](crate::objpool::PoolBox)).
#[diagnostic::on_unimplemented(
    message = "an NMI handler must not have `{Self}`",
    label = "may lead to a lock, or to memory that is freed",
    note = "it may have numbers, atomics, `PerCpu` of integers, an `ObjPool` of what is `Copy`, and structs of these that \
            `nmi_safe!` declares"
)]
pub unsafe trait NmiSafe {}

macro_rules! plain {
    ($($name:ty)*) => {$(
        // SAFETY: It is a number, or one that is read and written in single accesses.
        unsafe impl NmiSafe for $name {}
    )*};
}

plain! {
    () bool char u8 i8 u16 i16 u32 i32 u64 i64 usize isize
    AtomicBool AtomicU8 AtomicI8 AtomicU16 AtomicI16 AtomicU32 AtomicI32 AtomicUsize AtomicIsize
}
#[cfg(CONFIG_64BIT)]
plain! { AtomicU64 AtomicI64 }

// SAFETY: It leads to a `T` as `&T`, which is safe.
unsafe impl<T: ?Sized + NmiSafe> NmiSafe for &T {}
// SAFETY: It has nothing but `T`s.
unsafe impl<T: NmiSafe> NmiSafe for [T] {}
// SAFETY: As above.
unsafe impl<T: NmiSafe, const N: usize> NmiSafe for [T; N] {}
// SAFETY: As above.
unsafe impl<T: NmiSafe> NmiSafe for Option<T> {}

/// Asks of a value that an NMI handler may have it, for [`nmi_safe!`](crate::nmi_safe).
#[doc(hidden)]
pub const fn nmi_safe<T: ?Sized + NmiSafe>(_: &T) {}

/// Declares a struct that an NMI handler may have: one whose fields are all [`NmiSafe`].
///
/// The struct and its fields have documentation and no other attributes: with another one (`#[cfg]`)
/// the struct might not be the one that is asked for its fields.
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

        // A pattern without `..` names each field that the struct really has.
        const _: fn(&$name) = |whole| {
            let $name { $($field),* } = whole;
            $($crate::__macro::nmi_safe::<$type>($field);)*
        };

        // SAFETY: The struct has the fields that are declared above and no others, each of which the
        // function above asks whether an NMI handler may have it.
        unsafe impl $crate::__macro::NmiSafe for $name {}
    };
}
