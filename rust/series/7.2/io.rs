// SPDX-License-Identifier: GPL-2.0

//! Views of memory that a device shares. The kernel crate has them since 7.3. These are as much of
//! them as coherent memory needs.

use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr, //
};
use kernel::{
    bindings,
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    ptr::KnownSize, //
};

/// Memory that a device shares, or a view of it.
pub trait IoBase<'a>: Copy {
    /// The accesses.
    type Backend: IoBackend;
    /// The type of the memory.
    type Target: ?Sized + KnownSize;

    #[doc(hidden)]
    fn as_view(self) -> <Self::Backend as IoBackend>::View<'a, Self::Target>;

    #[doc(hidden)]
    #[inline(always)]
    fn projecting(self) -> Projecting<'a, Self::Backend, Self::Target> {
        Projecting(self.as_view())
    }
}

// A view, or a reference to memory, behind one more reference.
impl<'a, I: IoBase<'a>> IoBase<'a> for &I {
    type Backend = I::Backend;
    type Target = I::Target;

    #[inline(always)]
    fn as_view(self) -> <Self::Backend as IoBackend>::View<'a, Self::Target> {
        (*self).as_view()
    }
}

/// The accesses of a kind of memory.
pub trait IoBackend {
    /// A view of a `T`.
    type View<'a, T: ?Sized + KnownSize>: IoBase<'a, Backend = Self, Target = T>;

    #[doc(hidden)]
    fn as_ptr<T: ?Sized + KnownSize>(view: Self::View<'_, T>) -> *mut T;

    /// # Safety
    ///
    /// `ptr` is a projection of the view's pointer.
    #[doc(hidden)]
    unsafe fn project_view<'a, T: ?Sized + KnownSize, U: ?Sized + KnownSize>(
        view: Self::View<'a, T>,
        ptr: *mut U,
    ) -> Self::View<'a, U>;
}

/// Volatile accesses of one number.
pub trait IoCapable<T>: IoBackend {
    #[doc(hidden)]
    fn io_read(view: Self::View<'_, T>) -> T;
    #[doc(hidden)]
    fn io_write(view: Self::View<'_, T>, value: T);
}

/// Copies.
pub trait IoCopyable: IoBackend {
    /// # Safety
    ///
    /// `buffer` is valid for writes of the view's size.
    #[doc(hidden)]
    unsafe fn copy_from_io(view: Self::View<'_, [u8]>, buffer: *mut u8);
    /// # Safety
    ///
    /// `buffer` is valid for reads of the view's size.
    #[doc(hidden)]
    unsafe fn copy_to_io(view: Self::View<'_, [u8]>, buffer: *const u8);
    #[doc(hidden)]
    fn copy_read<T: FromBytes>(view: Self::View<'_, T>) -> T;
    #[doc(hidden)]
    fn copy_write<T: IntoBytes>(view: Self::View<'_, T>, value: T);
}

/// Reading and writing memory that a device shares: the methods of `Io` of the kernel crate of
/// Linux 7.3 that such memory has.
pub trait Io<'a>: IoBase<'a> {
    /// The size of the memory in bytes.
    #[inline(always)]
    fn size(self) -> usize {
        KnownSize::size(Self::Backend::as_ptr(self.as_view()))
    }

    /// The number of elements.
    #[inline(always)]
    fn len<T: 'a>(self) -> usize
    where
        Self: IoBase<'a, Target = [T]>,
    {
        Self::Backend::as_ptr(self.as_view()).len()
    }

    /// Reads a number, volatile.
    #[inline(always)]
    fn read_val(self) -> Self::Target
    where
        Self::Target: Sized,
        Self::Backend: IoCapable<Self::Target>,
    {
        Self::Backend::io_read(self.as_view())
    }

    /// Writes a number, volatile.
    #[inline(always)]
    fn write_val(self, value: Self::Target)
    where
        Self::Target: Sized,
        Self::Backend: IoCapable<Self::Target>,
    {
        Self::Backend::io_write(self.as_view(), value)
    }

    /// Copies the memory out.
    #[inline(always)]
    fn copy_read(self) -> Self::Target
    where
        Self::Target: FromBytes + Sized,
        Self::Backend: IoCopyable,
    {
        Self::Backend::copy_read(self.as_view())
    }

    /// Copies the value into the memory.
    #[inline(always)]
    fn copy_write(self, value: Self::Target)
    where
        Self::Target: IntoBytes + Sized,
        Self::Backend: IoCopyable,
    {
        Self::Backend::copy_write(self.as_view(), value)
    }
}
impl<'a, I: IoBase<'a>> Io<'a> for I {}

/// A view, for `io_project!`.
#[doc(hidden)]
pub struct Projecting<'a, B: IoBackend, T: ?Sized + KnownSize>(B::View<'a, T>);

impl<'a, B: IoBackend, T: ?Sized + KnownSize> Projecting<'a, B, T> {
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut T {
        B::as_ptr(self.0)
    }

    /// # Safety
    ///
    /// `ptr` is a projection of [`Self::as_ptr`].
    #[inline(always)]
    pub unsafe fn project<U: ?Sized + KnownSize>(self, ptr: *mut U) -> B::View<'a, U> {
        // SAFETY: As for the caller.
        unsafe { B::project_view(self.0, ptr) }
    }
}

/// A part of memory that a device shares: fields as `.field`, elements and ranges as `[try: index]`,
/// which returns with an error if it is out of bounds, or `[panic: index]`.
#[macro_export]
macro_rules! io_project {
    ($memory:expr, $($part:tt)*) => {{
        // No methods: a driver's own type could have one of the name.
        let view = $crate::dma::IoBase::projecting(&$memory);
        let ptr = $crate::dma::project!(mut $crate::dma::Projecting::as_ptr(&view), $($part)*);
        #[allow(unused_unsafe)]
        // SAFETY: The kernel crate's macro has made the projection.
        unsafe {
            $crate::dma::Projecting::project(view, ptr)
        }
    }};
}

/// Reads a number in memory that a device shares, volatile. The part is as for [`io_project!`].
#[macro_export]
macro_rules! io_read {
    ($memory:expr, $($part:tt)*) => {
        $crate::dma::Io::read_val($crate::io_project!($memory, $($part)*))
    };
}

/// Writes a number in memory that a device shares, volatile. The part is as for [`io_project!`].
#[macro_export]
macro_rules! io_write {
    (@part [$memory:expr] [$($part:tt)*] [, $value:expr]) => {
        $crate::dma::Io::write_val($crate::io_project!($memory, $($part)*), $value)
    };
    (@part [$memory:expr] [$($part:tt)*] [.$field:tt $($rest:tt)*]) => {
        $crate::io_write!(@part [$memory] [$($part)* .$field] [$($rest)*])
    };
    (@part [$memory:expr] [$($part:tt)*] [[$kind:ident: $index:expr] $($rest:tt)*]) => {
        $crate::io_write!(@part [$memory] [$($part)* [$kind: $index]] [$($rest)*])
    };
    ($memory:expr, $($rest:tt)*) => {
        $crate::io_write!(@part [$memory] [] [$($rest)*])
    };
}
pub use io_project;
pub use io_read;
pub use io_write;

/// A view of memory of the kernel.
///
/// # Invariants
///
/// The pointer is valid, aligned memory for `'a`.
pub struct SysMem<'a, T: ?Sized>(*mut T, PhantomData<&'a ()>);

impl<T: ?Sized> Clone for SysMem<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> Copy for SysMem<'_, T> {}

impl<T: ?Sized> SysMem<'_, T> {
    /// # Safety
    ///
    /// `ptr` is valid, aligned memory for `'a`.
    #[inline(always)]
    pub(crate) unsafe fn new(ptr: *mut T) -> Self {
        // INVARIANT: As the caller says.
        Self(ptr, PhantomData)
    }

    #[inline(always)]
    pub(crate) fn as_ptr(self) -> *mut T {
        self.0
    }
}

/// The accesses of memory of the kernel.
#[derive(Debug)]
pub struct SysMemBackend;

impl<'a, T: ?Sized + KnownSize> IoBase<'a> for SysMem<'a, T> {
    type Backend = SysMemBackend;
    type Target = T;

    #[inline(always)]
    fn as_view(self) -> Self {
        self
    }
}

impl IoBackend for SysMemBackend {
    type View<'a, T: ?Sized + KnownSize> = SysMem<'a, T>;

    #[inline(always)]
    fn as_ptr<T: ?Sized + KnownSize>(view: SysMem<'_, T>) -> *mut T {
        view.0
    }

    #[inline(always)]
    unsafe fn project_view<'a, T: ?Sized + KnownSize, U: ?Sized + KnownSize>(
        _view: Self::View<'a, T>,
        ptr: *mut U,
    ) -> Self::View<'a, U> {
        // INVARIANT: `# Safety`: a projection of a valid pointer.
        SysMem(ptr, PhantomData)
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl IoCapable<$number> for SysMemBackend {
            #[inline(always)]
            fn io_read(view: SysMem<'_, $number>) -> $number {
                // SAFETY: Invariant of `SysMem`. Volatile, since the device may write at any time.
                unsafe { view.0.read_volatile() }
            }

            #[inline(always)]
            fn io_write(view: SysMem<'_, $number>, value: $number) {
                // SAFETY: Invariant of `SysMem`. Volatile, since the device may read at any time.
                unsafe { view.0.write_volatile(value) }
            }
        }
    )*};
}
numbers! { u8 u16 u32 u64 }

impl IoCopyable for SysMemBackend {
    #[inline(always)]
    unsafe fn copy_from_io(view: SysMem<'_, [u8]>, buffer: *mut u8) {
        // SAFETY: Invariant of `SysMem`, and `# Safety`. C's function, which is for memory that
        // changes.
        unsafe { bindings::memcpy(buffer.cast(), view.0.cast(), view.0.len()) };
    }

    #[inline(always)]
    unsafe fn copy_to_io(view: SysMem<'_, [u8]>, buffer: *const u8) {
        // SAFETY: As in `copy_from_io`.
        unsafe { bindings::memcpy(view.0.cast(), buffer.cast(), view.0.len()) };
    }

    #[inline(always)]
    fn copy_read<T: FromBytes>(view: SysMem<'_, T>) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: Invariant of `SysMem`, and `value` has the size.
        unsafe { bindings::memcpy(value.as_mut_ptr().cast(), view.0.cast(), size_of::<T>()) };
        // SAFETY: All bytes are initialised, and every pattern is a `T`.
        unsafe { value.assume_init() }
    }

    #[inline(always)]
    fn copy_write<T: IntoBytes>(view: SysMem<'_, T>, value: T) {
        // SAFETY: Invariant of `SysMem`, and `value` has the size.
        unsafe { bindings::memcpy(view.0.cast(), ptr::from_ref(&value).cast(), size_of::<T>()) };
        // The memory has it now.
        core::mem::forget(value);
    }
}
