// SPDX-License-Identifier: GPL-2.0

//! The macros that make a work item and name the field that it is in.

/// Initialises an item, with its own lock class.
#[doc(hidden)]
#[macro_export]
macro_rules! __new_work {
    ($work:ident $($name:literal)?) => {
        $crate::__macro::$work::new(
            $crate::__macro::kernel::optional_name!($($name)?),
            $crate::__macro::kernel::static_lock_class!(),
        )
    };
}

/// As the documentation of `new_work!` in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[doc(alias = "INIT_WORK")]
#[macro_export]
macro_rules! new_work {
    ($($name:literal)?) => { $crate::__new_work!(Work $($name)?) };
}

/// As the documentation of `new_bh_work!` in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! new_bh_work {
    ($($name:literal)?) => { $crate::__new_work!(BhWork $($name)?) };
}

/// As the documentation of `new_delayed_work!` in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[doc(alias = "INIT_DELAYED_WORK")]
#[macro_export]
macro_rules! new_delayed_work {
    ($($name:literal)?) => {
        $crate::__macro::DelayedWork::new(
            $crate::__macro::kernel::optional_name!($($name)?),
            $crate::__macro::kernel::static_lock_class!(),
            $crate::__macro::kernel::c_str!($crate::__macro::core::concat!($($name,)? "_timer")),
            $crate::__macro::kernel::static_lock_class!(),
        )
    };
}

/// The common part of the three macros below.
#[doc(hidden)]
#[macro_export]
macro_rules! __impl_has_work {
    ([$($generics:tt)*] $work:ident $id:tt $self:ty, $field:ident) => {
        impl<$($generics)*> $crate::__macro::HasWork<$id> for $self {
            type Field = $crate::__macro::$work<Self, $id>;
            const FIELD: $crate::__macro::Field<Self, Self::Field> = $crate::field!(Self, $field);
        }
    };
}

/// As the documentation of `impl_has_work!` in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_has_work {
    ($(
        impl $({$($generics:tt)*})? HasWork<Self $(, $id:tt)?> for $self:ty { self.$field:ident }
    )*) => {$(
        $crate::__impl_has_work! {
            [$($($generics)*)?] Work { 0 $(+ $id)? } $self, $field
        }
    )*};
}

/// As the documentation of `impl_has_bh_work!` in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_has_bh_work {
    ($(
        impl $({$($generics:tt)*})? HasBhWork<Self $(, $id:tt)?> for $self:ty { self.$field:ident }
    )*) => {$(
        $crate::__impl_has_work! {
            [$($($generics)*)?] BhWork { 0 $(+ $id)? } $self, $field
        }
    )*};
}

/// As the documentation of `impl_has_delayed_work!` in [`kalloc::work`](crate::work) says.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_has_delayed_work {
    ($(
        impl $({$($generics:tt)*})? HasDelayedWork<Self $(, $id:tt)?> for $self:ty { self.$field:ident }
    )*) => {$(
        $crate::__impl_has_work! {
            [$($($generics)*)?] DelayedWork { 0 $(+ $id)? } $self, $field
        }
        impl<$($($generics)*)?> $crate::__macro::HasDelayedWork<{ 0 $(+ $id)? }> for $self {}
    )*};
}
