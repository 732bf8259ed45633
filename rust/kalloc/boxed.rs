// SPDX-License-Identifier: GPL-2.0

//! [`KBox`]: memory of the kmalloc family that has an owner.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`KBox::<T>::new_uninit`], [`KBox::<T>::new`] | `kmalloc(sizeof(T), …)` |
//! | [`KBox::<T>::zeroed`] | `kzalloc(sizeof(T), …)` |
//! | [`KBox::<[T]>::new_uninit`](KBox::new_uninit_slice), [`KBox::from_fn`] | `kmalloc_array(n, sizeof(T), …)` |
//! | [`KBox::zeroed_slice`] | `kcalloc(n, sizeof(T), …)` |
//! | [`KBox::from_slice`] | `kmemdup()` |
//! | [`KBox::realloc`], [`KBox::resize`] | `krealloc()` |
//! | drop | `kfree()` |
//! | [`KBox::free_sensitive`] | `kfree_sensitive()` |
//! | any of them with [`Grant::on`] | `kmalloc_node()`, `krealloc_node()`, … |
//!
//! Every constructor takes a [grant](crate::gfp), so each works in every context, with the flags
//! that it permits. A box holds an initialised `T`; `KBox<MaybeUninit<T>>` is the state before, and
//! [`KBox::write`] and pin-init lead from one to the other.
//!
//! Dropping a box takes no token and never sleeps. It is legal wherever the box can be made; the
//! kernel forbids it in an NMI handler and, on `CONFIG_PREEMPT_RT`, with interrupts or preemption
//! disabled.

use crate::gfp::{Failed, FailedWith, ForKmalloc, ForKrealloc, Gfp, Grant, MayFail};
use crate::kmalloc;
use core::{
    borrow::{Borrow, BorrowMut},
    fmt,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::{Deref, DerefMut},
    pin::Pin,
    ptr::{self, NonNull},
};
use kernel::{
    alloc::AllocError,
    bindings,
    error::Error,
    page::PAGE_SIZE,
    prelude::{InPlaceWrite, Init, PinInit, Zeroable},
};

/// A value in memory of kmalloc, freed by `kfree()` when it is dropped.
///
/// It is a pointer: 8 bytes for a sized `T`, and `Option<KBox<T>>` is no larger. A `T` of no size
/// takes no memory.
///
/// ```
/// use kalloc::prelude::*;
///
/// struct Config { ring: u32 }
///
/// fn configure(task: &Task) -> Result<KBox<Config>> {
///     let mut config = KBox::new(task, Config { ring: 64 })?;
///     config.ring *= 2;
///     Ok(config)
/// }
/// ```
///
/// # Invariants
///
/// The pointer is aligned for `T` and valid for reads and writes of a `T`, which is initialised.
/// Where the `T` has a size it is memory of kmalloc that the box owns.
#[repr(transparent)]
pub struct KBox<T: ?Sized>(NonNull<T>, PhantomData<T>);

// SAFETY: The box owns the `T`, and `kfree()` may be called on another thread.
unsafe impl<T: ?Sized + Send> Send for KBox<T> {}
// SAFETY: A shared box gives no more than `&T`.
unsafe impl<T: ?Sized + Sync> Sync for KBox<T> {}
// The value does not move with the box.
impl<T: ?Sized> Unpin for KBox<T> {}

const _: () = assert!(size_of::<KBox<u8>>() == size_of::<usize>());
const _: () = assert!(size_of::<Option<KBox<[u8; 64]>>>() == size_of::<usize>());

// One value ------------------------------------------------------------------------------------------------------------

impl<T> KBox<T> {
    /// Moves `value` into new memory, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`FailedWith`] the value where there is no memory. A type larger than [`kmalloc::MAX_SIZE`],
    /// and under `nofail` one larger than a page, does not compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn number(cx: &Atomic<'_>) -> Result<KBox<u32>> {
    ///     Ok(KBox::new(cx, 7)?)
    /// }
    /// ```
    #[inline]
    pub fn new<G>(grant: G, value: T) -> Result<Self, FailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForKmalloc>,
    {
        match Self::new_uninit(grant) {
            Ok(slot) => Ok(slot.write(value)),
            Err(failed) => Err(FailedWith::new(failed, value)),
        }
    }

    /// New memory for a `T`, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`Failed`] where there is no memory; see [`KBox::new`] for what does not compile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn table(task: &Task) -> Result<KBox<[u64; 64]>> {
    ///     let table = KBox::<[u64; 64]>::new_uninit(task)?;
    ///     Ok(table.write([0; 64]))
    /// }
    /// ```
    #[inline]
    pub fn new_uninit<G>(grant: G) -> Result<KBox<MaybeUninit<T>>, Failed<G::Flags>>
    where
        G: Grant<Flags: ForKmalloc>,
    {
        const {
            assert!(
                size_of::<T>() <= kmalloc::MAX_SIZE,
                "larger than KMALLOC_MAX_SIZE"
            );
            assert!(
                !G::Flags::NOFAIL || size_of::<T>() <= PAGE_SIZE,
                "the kernel keeps the promise of nofail only up to a page"
            );
        };
        let memory = if const { size_of::<T>() == 0 } {
            NonNull::dangling()
        } else {
            NonNull::new(kmalloc::alloc(grant)).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of kmalloc, aligned because `size_of::<T>()` is a multiple of the
        // alignment; and a `MaybeUninit` is always initialised.
        Ok(KBox(memory, PhantomData))
    }

    /// New memory of zeroes, wraps `kzalloc()`.
    ///
    /// # Errors
    ///
    /// As [`KBox::new_uninit`].
    #[inline]
    pub fn zeroed<G>(grant: G) -> Result<Self, Failed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForKmalloc>,
    {
        match KBox::new_uninit(grant.zeroed()) {
            // SAFETY: The memory is zero, which is a `T`.
            Ok(slot) => Ok(unsafe { slot.assume_init() }),
            Err(Failed(failure)) => Err(Failed(failure)),
        }
    }

    /// Moves `value` into new memory that it does not leave, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// As [`KBox::new`].
    #[inline]
    pub fn pin<G>(grant: G, value: T) -> Result<Pin<Self>, FailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForKmalloc>,
    {
        Ok(Self::new(grant, value)?.into())
    }

    /// Initialises a `T` in new memory that it does not leave, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns.
    ///
    /// ```
    /// use kalloc::prelude::*;
    /// use kernel::{new_spinlock, sync::SpinLock};
    ///
    /// #[pin_data]
    /// struct Counter {
    ///     #[pin]
    ///     value: SpinLock<u64>,
    /// }
    ///
    /// fn counter(task: &Task) -> Result<Pin<KBox<Counter>>> {
    ///     KBox::pin_init(task, pin_init!(Counter { value <- new_spinlock!(0) }))
    /// }
    /// ```
    #[inline]
    pub fn pin_init<G, E>(grant: G, init: impl PinInit<T, E>) -> Result<Pin<Self>, Error>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        Ok(KBox::new_uninit(grant)?.write_pin_init(init)?)
    }

    /// As [`KBox::pin_init`], with the error type of `init`.
    #[inline]
    pub fn try_pin_init<G, E>(grant: G, init: impl PinInit<T, E>) -> Result<Pin<Self>, E>
    where
        G: Grant<Flags: ForKmalloc>,
        E: From<AllocError>,
    {
        KBox::new_uninit(grant)
            .map_err(AllocError::from)?
            .write_pin_init(init)
    }

    /// Initialises a `T` in new memory, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns.
    #[inline]
    pub fn init<G, E>(grant: G, init: impl Init<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        Ok(KBox::new_uninit(grant)?.write_init(init)?)
    }

    /// As [`KBox::init`], with the error type of `init`.
    #[inline]
    pub fn try_init<G, E>(grant: G, init: impl Init<T, E>) -> Result<Self, E>
    where
        G: Grant<Flags: ForKmalloc>,
        E: From<AllocError>,
    {
        KBox::new_uninit(grant)
            .map_err(AllocError::from)?
            .write_init(init)
    }

    /// Takes the value out and frees the memory.
    #[inline]
    pub fn into_inner(self) -> T {
        self.take().0
    }

    /// Takes the value out and keeps the memory for another one.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn successor(number: KBox<u32>) -> KBox<u32> {
    ///     let (value, memory) = number.take();
    ///     memory.write(value + 1)
    /// }
    /// ```
    #[inline]
    pub fn take(self) -> (T, KBox<MaybeUninit<T>>) {
        let memory = ManuallyDrop::new(self).0;
        // SAFETY: By the invariant; the value is not used in its old place again.
        let value = unsafe { memory.read() };
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised.
        (value, KBox(memory.cast(), PhantomData))
    }
}

impl<T> KBox<MaybeUninit<T>> {
    /// Initialises the memory with `value`.
    #[inline]
    pub fn write(self, value: T) -> KBox<T> {
        let memory = ManuallyDrop::new(self).0.cast::<T>();
        // SAFETY: By the invariant the memory is valid for writes of a `T`.
        unsafe { memory.write(value) };
        // INVARIANT: The memory is what it was, and initialised.
        KBox(memory, PhantomData)
    }

    /// Claims that the memory is initialised.
    ///
    /// # Safety
    ///
    /// The memory holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> KBox<T> {
        // INVARIANT: The memory is what it was, and initialised by the contract of this function.
        KBox(ManuallyDrop::new(self).0.cast(), PhantomData)
    }
}

impl<T> InPlaceWrite<T> for KBox<MaybeUninit<T>> {
    type Initialized = KBox<T>;

    #[inline]
    fn write_init<E>(self, init: impl Init<T, E>) -> Result<Self::Initialized, E> {
        // SAFETY: The memory is valid, and when `init` fails it is freed without being looked at.
        unsafe { pin_init::raw_try_init(self.0.cast().as_ptr(), init)? };
        // SAFETY: `init` succeeded.
        Ok(unsafe { self.assume_init() })
    }

    #[inline]
    fn write_pin_init<E>(self, init: impl PinInit<T, E>) -> Result<Pin<Self::Initialized>, E> {
        // SAFETY: The memory is valid, when `init` fails it is freed without being looked at, and
        // the value stays there.
        unsafe { pin_init::raw_try_init(self.0.cast().as_ptr(), init)? };
        // SAFETY: `init` succeeded.
        Ok(unsafe { self.assume_init() }.into())
    }
}

// Many values ----------------------------------------------------------------------------------------------------------

/// A slice at `memory`.
#[inline(always)]
fn slice<T>(memory: NonNull<T>, len: usize) -> NonNull<[T]> {
    NonNull::slice_from_raw_parts(memory, len)
}

/// The size of `len` elements, which kmalloc could give.
#[inline(always)]
fn bytes<T, F: Gfp>(len: usize) -> Result<usize, Failed<F>> {
    if size_of::<T>() != 0
        && len
            > const {
                kmalloc::MAX_SIZE
                    / if size_of::<T>() == 0 {
                        1
                    } else {
                        size_of::<T>()
                    }
            }
    {
        return Err(F::failed());
    }
    Ok(len * size_of::<T>())
}

impl<T> KBox<[T]> {
    /// A slice of nothing, which takes no memory: what [`KBox::resize`] can start from.
    #[inline]
    pub const fn empty() -> Self {
        // INVARIANT: A slice of no elements has no size.
        Self(
            NonNull::slice_from_raw_parts(NonNull::dangling(), 0),
            PhantomData,
        )
    }

    /// New memory for `len` elements, wraps `kmalloc_array()`.
    ///
    /// # Errors
    ///
    /// [`Failed`] where there is no memory, and for more than [`kmalloc::MAX_SIZE`] bytes.
    #[inline]
    pub fn new_uninit_slice<G>(
        grant: G,
        len: usize,
    ) -> Result<KBox<[MaybeUninit<T>]>, Failed<G::Flags>>
    where
        G: Grant<Flags: ForKmalloc + MayFail>,
    {
        let bytes = bytes::<T, G::Flags>(len)?;
        let memory = if bytes == 0 {
            NonNull::dangling()
        } else {
            NonNull::new(kmalloc::alloc_bytes(bytes, grant).cast()).ok_or_else(G::Flags::failed)?
        };
        // INVARIANT: New memory of kmalloc, aligned because its size is a multiple of the
        // alignment; and a `MaybeUninit` is always initialised.
        Ok(KBox(slice(memory, len), PhantomData))
    }

    /// `len` elements of zeroes, wraps `kcalloc()`.
    ///
    /// # Errors
    ///
    /// As [`KBox::new_uninit_slice`].
    #[inline]
    pub fn zeroed_slice<G>(grant: G, len: usize) -> Result<Self, Failed<G::Flags>>
    where
        T: Zeroable,
        G: Grant<Flags: ForKmalloc + MayFail>,
    {
        match KBox::<[T]>::new_uninit_slice(grant.zeroed(), len) {
            // SAFETY: The memory is zero, which is a `T` in every place.
            Ok(memory) => Ok(unsafe { memory.assume_init() }),
            Err(Failed(failure)) => Err(Failed(failure)),
        }
    }

    /// `len` elements, each made by `f` from its index, wraps `kmalloc_array()`.
    ///
    /// # Errors
    ///
    /// As [`KBox::new_uninit_slice`].
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn squares(task: &Task) -> Result<KBox<[usize]>> {
    ///     Ok(KBox::from_fn(task, 16, |i| i * i)?)
    /// }
    /// ```
    #[inline]
    pub fn from_fn<G>(
        grant: G,
        len: usize,
        f: impl FnMut(usize) -> T,
    ) -> Result<Self, Failed<G::Flags>>
    where
        G: Grant<Flags: ForKmalloc + MayFail>,
    {
        Ok(KBox::<[T]>::new_uninit_slice(grant, len)?.fill_with(0, f))
    }

    /// A copy of `source`, wraps `kmemdup()`.
    ///
    /// # Errors
    ///
    /// As [`KBox::new_uninit_slice`].
    #[inline]
    pub fn from_slice<G>(grant: G, source: &[T]) -> Result<Self, Failed<G::Flags>>
    where
        T: Copy,
        G: Grant<Flags: ForKmalloc + MayFail>,
    {
        let memory = KBox::<[T]>::new_uninit_slice(grant, source.len())?;
        // SAFETY: Both are valid for that many elements, and new memory is apart from the source.
        unsafe {
            ptr::copy_nonoverlapping(source.as_ptr(), memory.0.cast().as_ptr(), source.len())
        };
        // SAFETY: Every element was just copied.
        Ok(unsafe { memory.assume_init() })
    }

    /// Makes the slice `len` elements long, wraps `krealloc()`: drops what is too much, fills up
    /// with `value`.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`FailedWith`] the slice where there is no memory, and for more than [`kmalloc::MAX_SIZE`]
    /// bytes. When it was to shrink it is then shorter all the same, in the memory that it had.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// /// The longer slice, or the old one.
    /// fn longer(task: &Task, data: KBox<[u8]>) -> KBox<[u8]> {
    ///     let len = data.len() + 16;
    ///     data.resize(task, len, 0).unwrap_or_else(|failed| failed.value)
    /// }
    /// ```
    pub fn resize<G>(
        self,
        grant: G,
        len: usize,
        value: T,
    ) -> Result<Self, FailedWith<G::Flags, Self>>
    where
        T: Clone,
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        let mut this = self;
        let surplus = this.len().saturating_sub(len);
        if len == 0 {
            return Ok(Self::empty());
        }
        if surplus != 0 {
            let memory = ManuallyDrop::new(this).0.cast::<T>();
            // SAFETY: By the invariant; these elements are not used again.
            unsafe { ptr::drop_in_place(slice(memory.add(len), surplus).as_ptr()) };
            // INVARIANT: The memory is what it was, and its first `len` elements are initialised.
            // With `len` above 0 it still has a size.
            this = KBox(slice(memory, len), PhantomData);
        }
        let kept = this.len();
        match this.into_uninit().realloc(grant, len) {
            Ok(memory) => Ok(memory.fill_with(kept, |_| value.clone())),
            Err(failed) => {
                // SAFETY: The memory is what it was, with `kept` initialised elements.
                let old = unsafe { failed.value.assume_init() };
                Err(FailedWith::new(Failed(failed.failure), old))
            }
        }
    }

    /// The memory, with its contents forgotten.
    fn into_uninit(self) -> KBox<[MaybeUninit<T>]> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is what it was, and a `MaybeUninit` is always initialised.
        KBox(slice(memory.cast(), memory.len()), PhantomData)
    }
}

impl<T> KBox<[MaybeUninit<T>]> {
    /// Gives the memory room for `len` elements, wraps `krealloc()`. The contents stay, as far as
    /// they fit.
    ///
    /// The memory may move. To 0 it is freed; from 0 it is allocated.
    ///
    /// # Errors
    ///
    /// [`FailedWith`] the memory as it was where there is no more, and for more than
    /// [`kmalloc::MAX_SIZE`] bytes.
    pub fn realloc<G>(self, grant: G, len: usize) -> Result<Self, FailedWith<G::Flags, Self>>
    where
        G: Grant<Flags: ForKrealloc + MayFail>,
    {
        let bytes = match bytes::<T, G::Flags>(len) {
            Ok(bytes) => bytes,
            Err(failed) => return Err(FailedWith::new(failed, self)),
        };
        let old = if size_of_val(&*self) == 0 {
            ptr::null_mut()
        } else {
            self.0.cast().as_ptr()
        };
        let memory = if bytes == 0 {
            drop(self);
            NonNull::dangling()
        } else {
            // SAFETY: `old` is NULL, or memory of kmalloc that `self` owns.
            match NonNull::new(unsafe { kmalloc::realloc(old, bytes, grant) }.cast()) {
                Some(memory) => {
                    // The old memory is freed or is the new one.
                    core::mem::forget(self);
                    memory
                }
                None => return Err(FailedWith::new(G::Flags::failed(), self)),
            }
        };
        // INVARIANT: Memory of kmalloc, aligned because its size is a multiple of the alignment;
        // and a `MaybeUninit` is always initialised.
        Ok(KBox(slice(memory, len), PhantomData))
    }

    /// Claims that the memory is initialised.
    ///
    /// # Safety
    ///
    /// Every element holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> KBox<[T]> {
        let memory = ManuallyDrop::new(self).0;
        // INVARIANT: The memory is what it was, and initialised by the contract of this function.
        KBox(slice(memory.cast(), memory.len()), PhantomData)
    }

    /// Initialises the elements from `from` on, of which those before are initialised.
    #[inline]
    fn fill_with(mut self, from: usize, mut f: impl FnMut(usize) -> T) -> KBox<[T]> {
        for (index, element) in self.iter_mut().enumerate().skip(from) {
            element.write(f(index));
        }
        // SAFETY: Those before `from` are by the contract of this private function, the others were
        // just written.
        unsafe { self.assume_init() }
    }
}

// Every box ------------------------------------------------------------------------------------------------------------

impl<T: ?Sized> KBox<T> {
    /// The value, for ever: the memory is not freed.
    #[inline]
    pub fn leak<'a>(self) -> &'a mut T
    where
        T: 'a,
    {
        // SAFETY: By the invariant, and nobody else has the memory.
        unsafe { &mut *self.into_raw() }
    }

    /// The pointer, for C or [`KBox::from_raw`]: memory of kmalloc, unless the value has no size.
    #[inline]
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// Takes over memory of kmalloc.
    ///
    /// # Safety
    ///
    /// `raw` is aligned for the `T` that it points to. Where that has a size it is memory of
    /// kmalloc, which nobody else owns from here on.
    #[inline]
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // INVARIANT: By the contract of this function.
        // SAFETY: Aligned pointers to a `T` are not NULL.
        Self(unsafe { NonNull::new_unchecked(raw) }, PhantomData)
    }

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
        let (size, raw) = (size_of_val(&*self), self.into_raw());
        // SAFETY: By the invariant; the value is not used again.
        unsafe { ptr::drop_in_place(raw) };
        if size != 0 {
            // SAFETY: By the invariant it is memory of kmalloc, which was ours.
            unsafe { bindings::kfree_sensitive(raw.cast()) };
        }
    }
}

impl<T: ?Sized> Drop for KBox<T> {
    #[inline]
    fn drop(&mut self) {
        let (size, raw) = (size_of_val(&**self), self.0.as_ptr());
        // SAFETY: By the invariant; the value is not used again.
        unsafe { ptr::drop_in_place(raw) };
        if size != 0 {
            // SAFETY: By the invariant it is memory of kmalloc, which was ours.
            unsafe { bindings::kfree(raw.cast()) };
        }
    }
}

impl<T: ?Sized> Deref for KBox<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { self.0.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for KBox<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant, and the box is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }
}

impl<T: ?Sized> Borrow<T> for KBox<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized> BorrowMut<T> for KBox<T> {
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized> From<KBox<T>> for Pin<KBox<T>> {
    #[inline]
    fn from(this: KBox<T>) -> Self {
        // SAFETY: The value is in memory that does not move with the box, and `Pin` does not let it
        // out.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for KBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + kernel::fmt::Display> kernel::fmt::Display for KBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
