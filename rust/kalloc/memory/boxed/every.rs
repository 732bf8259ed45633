// SPDX-License-Identifier: GPL-2.0

//! What all boxes have.

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
    /// The value, for ever: the memory is not freed.
    #[inline]
    pub fn leak<'a>(self) -> &'a mut T
    where
        T: 'a,
    {
        // SAFETY: By the invariant, and nobody else has the memory.
        unsafe { &mut *self.into_raw() }
    }

    /// The pointer, for C or [`Box::from_raw`]: memory of `A`, unless the value has no size.
    #[inline]
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The pointer, without a reference to the value: a device may be writing it.
    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// Takes over memory of `A`.
    ///
    /// # Safety
    ///
    /// `raw` is aligned for the `T` that it points to. Where that has a size it is memory of
    /// `A`, which nobody else owns from here on; where it has none it is from [`Box::into_raw`], or
    /// dangling, as [`NonNull::dangling`] is.
    #[inline]
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // INVARIANT: By the contract of this function.
        // SAFETY: Aligned pointers to a `T` are not NULL.
        Self(unsafe { NonNull::new_unchecked(raw) }, PhantomData)
    }

    /// Whether there may be memory to free.
    #[inline(always)]
    fn has_memory(&self) -> bool {
        // Of a type with one size the compiler knows it. For the others `A` can tell by itself where
        // the address of no memory is one that it knows: it is the alignment at most.
        size_of_val(&**self) != 0
            || (const { size_of::<&T>() != size_of::<usize>() }
                && align_of_val(&**self) <= A::NOTHING)
    }

    /// Drops the value and hands out its memory, of which there may be none, and the size.
    #[inline(always)]
    fn end(self) -> Option<(*mut c_void, usize)> {
        let (has_memory, size) = (self.has_memory(), size_of_val(&*self));
        let raw = self.into_raw();
        // SAFETY: By the invariant; the value is not used again.
        unsafe { ptr::drop_in_place(raw) };
        has_memory.then_some((raw.cast(), size))
    }

    /// Drops the value and frees the memory at once, wraps `kfree()`, `vfree()` or `kvfree()`.
    ///
    /// A drop takes no token, so it has to leave memory of vmalloc to a work item; where the code
    /// may sleep this does not.
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
    #[inline]
    pub fn free<C: MaySleep>(self, _cx: &C) {
        if let Some((memory, _)) = self.end() {
            // SAFETY: By the invariant it is memory of `A`, which was ours, or nothing to `A`, and
            // the context may sleep.
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
    #[inline]
    pub fn free_sensitive(self) {
        if let Some((memory, _)) = self.end() {
            // SAFETY: By the invariant it is memory of kmalloc, which was ours, or nothing to it.
            unsafe { deferred_free::kfree_sensitive(memory) };
        }
    }
}

impl<T: ?Sized> KVBox<T> {
    /// Drops the value and frees the memory after overwriting it with zeroes, which may sleep: wraps
    /// `kvfree_sensitive()`, and `kfree_sensitive()` for a slice in memory of kmalloc.
    ///
    /// Of memory of vmalloc only the value is overwritten, since the kernel does not say what the
    /// memory has. The room that a vector had to spare when it became a box
    /// ([`Vec::into_boxed_slice`](crate::vec::Vec::into_boxed_slice)) is as it was: where elements
    /// have been there that nobody may see, overwrite them before they are taken out.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn forget(task: &TaskCx, keys: KVBox<[[u8; 32]]>) {
    ///     keys.free_sensitive(task);
    /// }
    /// ```
    #[inline]
    pub fn free_sensitive<C: MaySleep>(self, _cx: &C) {
        if let Some((memory, size)) = self.end() {
            // A `T` that has a size was not a vector: its memory has no room to spare.
            let whole = const { size_of::<*const T>() == size_of::<usize>() };
            // SAFETY: It may be asked of every address.
            if whole || unsafe { bindings::is_vmalloc_addr(memory) } {
                // SAFETY: By the invariant it is memory of kvmalloc, which was ours, and the context
                // may sleep.
                unsafe { bindings::kvfree_sensitive(memory, size) };
            } else {
                // SAFETY: Of that what is not of vmalloc is of kmalloc, and the context may sleep.
                unsafe { bindings::kfree_sensitive(memory) };
            }
        }
    }
}

impl<T: ?Sized> From<KBox<T>> for KVBox<T> {
    /// Without a copy: `kvfree()` frees memory of kmalloc too.
    #[inline]
    fn from(this: KBox<T>) -> Self {
        // INVARIANT: Memory of kmalloc is memory of kvmalloc, and so is what it gave for no bytes.
        Box(ManuallyDrop::new(this).0, PhantomData)
    }
}

impl<T: ?Sized> From<VBox<T>> for KVBox<T> {
    /// Without a copy: `kvfree()` frees memory of vmalloc too.
    #[inline]
    fn from(this: VBox<T>) -> Self {
        // INVARIANT: Memory of vmalloc is memory of kvmalloc.
        Box(ManuallyDrop::new(this).0, PhantomData)
    }
}

impl<T: ?Sized, A: Allocator> Drop for Box<T, A> {
    #[inline]
    fn drop(&mut self) {
        let (has_memory, raw) = (self.has_memory(), self.0.as_ptr());
        // SAFETY: By the invariant; the value is not used again.
        unsafe { ptr::drop_in_place(raw) };
        if has_memory {
            // SAFETY: By the invariant it is memory of `A`, which was ours, or nothing to `A`.
            unsafe { A::free(raw.cast()) };
        }
    }
}

impl<T: ?Sized, A: Allocator> Deref for Box<T, A> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { self.0.as_ref() }
    }
}

impl<T: ?Sized, A: Allocator> DerefMut for Box<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant, and the box is borrowed exclusively.
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
        // SAFETY: The value is in memory that does not move with the box, and `Pin` does not let it
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
