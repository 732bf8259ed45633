// SPDX-License-Identifier: GPL-2.0

//! Methods and traits of every [`Box`]: conversion to and from raw pointers, drop, `Deref`.

use super::*;
use crate::{
    alloc::{
        allocator::Allocator,
        deferred_free, //
    },
    contexts::traits::MaySleep, //
};
use core::{
    borrow::{
        Borrow,
        BorrowMut, //
    },
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
    pin::Pin,
    ptr::{
        self,
        NonNull, //
    },
};
use kernel::{
    bindings,
    ffi::c_void, //
};

impl<T: ?Sized, A: Allocator> Box<T, A> {
    /// Leaks the box: the value stays valid and its memory is never freed.
    #[inline]
    pub fn leak<'a>(self) -> &'a mut T
    where
        T: 'a,
    {
        // SAFETY: Invariant of `Box`: the pointer is to an initialised `T`. `self` was its only
        // owner.
        unsafe { &mut *self.into_raw() }
    }

    /// The pointer, for C or [`Box::from_raw`]: owned memory of `A`, unless the value has no size.
    #[inline]
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The pointer. Makes no reference to the value, since a device may be writing it.
    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Takes ownership of memory of `A`.
    ///
    /// # Safety
    ///
    /// `raw` is aligned for the `T` that it points to. If that `T` has a size, `raw` is valid
    /// memory of `A` without another owner, and holds an initialised `T`. If it has none, `raw` is
    /// from [`Box::into_raw`], or dangling as [`NonNull::dangling`] is.
    #[inline]
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // INVARIANT: `# Safety`: `raw` is aligned owned memory of `A`, or has no size.
        // SAFETY: `# Safety`: `raw` is aligned for a `T`, so it is not NULL.
        Self(unsafe { NonNull::new_unchecked(raw) }, PhantomData)
    }

    /// Whether there may be memory to free.
    #[inline(always)]
    fn has_memory(&self) -> bool {
        // The compiler evaluates this for a type whose size is constant. For the others, `A`
        // ignores the address of a value without a size if that address, at most its alignment, is
        // at most `A::NOTHING`.
        size_of_val(&**self) != 0
            || (const { size_of::<&T>() != size_of::<usize>() }
                && align_of_val(&**self) <= A::NOTHING)
    }

    /// Drops the value and returns its memory, if there is any, with the size.
    #[inline(always)]
    fn end(self) -> Option<(*mut c_void, usize)> {
        let (has_memory, size) = (self.has_memory(), size_of_val(&*self));
        let raw = self.into_raw();
        // SAFETY: Invariant of `Box`: the value is initialised. It is not used again.
        unsafe { ptr::drop_in_place(raw) };
        has_memory.then_some((raw.cast(), size))
    }

    /// Drops the value and frees the memory at once, wraps `kfree()`, `vfree()` or `kvfree()`.
    ///
    /// A drop takes no token and must defer `vfree()` to a work item. This function may sleep and
    /// does not.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn replace(task: &TaskCx, old: VBox<[u8]>) -> Result<VBox<[u8]>> {
    ///     let len = old.len();
    ///     old.free(task);
    ///     Ok(VBox::zeroed_slice(task, 2 * len)?)
    /// }
    /// ```
    #[doc(alias("vfree", "kvfree"))]
    #[inline]
    pub fn free<C: MaySleep>(self, _cx: &C) {
        if let Some((memory, _)) = self.end() {
            // SAFETY: `memory` is owned memory of `A` (invariant of `Box`), or an address that `A`
            // ignores. `C: MaySleep`: the context may sleep.
            unsafe { A::free_now(memory) };
        }
    }
}

impl<T: ?Sized> KBox<T> {
    /// Drops the value and frees the memory after overwriting it with zeroes, wraps
    /// `kfree_sensitive()`.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn forget(key: KBox<[u8; 32]>) {
    ///     key.free_sensitive();
    /// }
    /// ```
    #[doc(alias = "kfree_sensitive")]
    #[inline]
    pub fn free_sensitive(self) {
        if let Some((memory, _)) = self.end() {
            // SAFETY: `memory` is owned memory of kmalloc (invariant of `Box`), or an address that
            // kmalloc ignores.
            unsafe { deferred_free::kfree_sensitive(memory) };
        }
    }
}

impl<T: ?Sized> KVBox<T> {
    /// Drops the value and frees the memory after overwriting it with zeroes. Wraps
    /// `kvfree_sensitive()`, and `kfree_sensitive()` for a slice in memory of kmalloc. May sleep.
    ///
    /// In memory of vmalloc only the value is overwritten, since the kernel does not tell the size
    /// of the allocation. The spare capacity of a vector that became a box
    /// ([`Vec::into_boxed_slice`](crate::vec::Vec::into_boxed_slice)) is not overwritten. Overwrite
    /// secret elements before removing them from the vector.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn forget(task: &TaskCx, keys: KVBox<[[u8; 32]]>) {
    ///     keys.free_sensitive(task);
    /// }
    /// ```
    #[doc(alias = "kvfree_sensitive")]
    #[inline]
    pub fn free_sensitive<C: MaySleep>(self, _cx: &C) {
        if let Some((memory, size)) = self.end() {
            // A sized `T` was never a vector, so its memory has no spare capacity.
            let whole = const { size_of::<*const T>() == size_of::<usize>() };
            // SAFETY: `is_vmalloc_addr()` accepts every address.
            if whole || unsafe { bindings::is_vmalloc_addr(memory) } {
                // SAFETY: Invariant of `Box`: `memory` is owned memory of kvmalloc, of at least
                // `size` bytes. `C: MaySleep`: the context may sleep.
                unsafe { bindings::kvfree_sensitive(memory, size) };
            } else {
                // SAFETY: Memory of kvmalloc that is not vmalloc's is kmalloc's. The context may
                // sleep.
                unsafe { bindings::kfree_sensitive(memory) };
            }
        }
    }
}

impl<T: ?Sized> From<KBox<T>> for KVBox<T> {
    /// Without a copy: `kvfree()` frees memory of kmalloc too.
    #[inline]
    fn from(this: KBox<T>) -> Self {
        // INVARIANT: Memory of kmalloc, and its address for 0 bytes, are valid for kvmalloc.
        Box(ManuallyDrop::new(this).0, PhantomData)
    }
}

impl<T: ?Sized> From<VBox<T>> for KVBox<T> {
    /// Without a copy: `kvfree()` frees memory of vmalloc too.
    #[inline]
    fn from(this: VBox<T>) -> Self {
        // INVARIANT: Memory of vmalloc is valid for kvmalloc.
        Box(ManuallyDrop::new(this).0, PhantomData)
    }
}

impl<T: ?Sized, A: Allocator> Drop for Box<T, A> {
    #[inline]
    fn drop(&mut self) {
        let (has_memory, raw) = (self.has_memory(), self.0.as_ptr());
        // SAFETY: Invariant of `Box`: the value is initialised. It is not used again.
        unsafe { ptr::drop_in_place(raw) };
        if has_memory {
            // SAFETY: `raw` is owned memory of `A` (invariant of `Box`), or an address that `A`
            // ignores.
            unsafe { A::free(raw.cast()) };
        }
    }
}

impl<T: ?Sized, A: Allocator> Deref for Box<T, A> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `Box`: the pointer is valid for reads of an initialised `T`.
        unsafe { self.0.as_ref() }
    }
}

impl<T: ?Sized, A: Allocator> DerefMut for Box<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: Invariant of `Box`: the pointer is valid for writes of an initialised `T`. The
        // box is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }
}

impl<T: ?Sized, A: Allocator> Borrow<T> for Box<T, A> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized, A: Allocator> BorrowMut<T> for Box<T, A> {
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized, A: Allocator> From<Box<T, A>> for Pin<Box<T, A>> {
    #[inline]
    fn from(this: Box<T, A>) -> Self {
        // SAFETY: The value does not move when the box moves, and `Pin` does not allow moving it
        // out.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T: ?Sized + fmt::Debug, A: Allocator> fmt::Debug for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + kernel::fmt::Display, A: Allocator> kernel::fmt::Display for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
