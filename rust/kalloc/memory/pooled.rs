// SPDX-License-Identifier: GPL-2.0

//! What keeps a slab cache or a memory pool alive for as long as something from it is.
//!
//! A box from a pool carries an owner: the pool cannot go while the box is there.
//!
//! | owner | size | for |
//! | --- | --- | --- |
//! | `&'a Cache<T>` | 8 | boxes that do not leave the scope of the pool, or sit beside it |
//! | `Arc<Cache<T>>` | 8 | boxes that go their own ways; the last one takes the pool along |
//! | a name declared in [`module!`](crate::module!) | 0 | pools of the module, made before init and gone after exit |
//!
//! With a name of the module a box is a pointer, as in C.
//!
//! A box that is leaked (`mem::forget`) is memory in use for ever. The kernel warns then when the
//! pool goes, and keeps the memory.

use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::tokens::TaskCx,
    ground::sealed::Sealed, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
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
    error::Result,
    prelude::{
        InPlaceWrite,
        Init,
        PinInit, //
    },
};

/// What keeps a `P` alive.
///
/// # Safety
///
/// [`PoolRef::pool`] gives the same `P` each time, also after the owner moved, and that `P` lives
/// where it is until the owner is dropped. Where the owner is [`Clone`], each clone gives that same
/// `P`, and keeps it for itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not own a `{P}`",
    label = "a `&{P}`, an `Arc<{P}>`, or a name that `module!` declares is expected here"
)]
pub unsafe trait PoolRef<P> {
    /// The pool.
    fn pool(&self) -> &P;
}

/// Pool by pool, so that they are apart from the names that `module!` declares.
macro_rules! owners {
    ($({$($generics:tt)*} $pool:ty;)*) => {$(
        // SAFETY: A reference is to the same place for as long as it lives, and so is a copy.
        unsafe impl<$($generics)*> crate::memory::pooled::PoolRef<$pool> for &$pool {
            #[inline(always)]
            fn pool(&self) -> &$pool {
                self
            }
        }

        // SAFETY: An `Arc` does not move what it counts, and keeps it; a clone counts the same.
        unsafe impl<$($generics)*> crate::memory::pooled::PoolRef<$pool> for kernel::sync::Arc<$pool> {
            #[inline(always)]
            fn pool(&self) -> &$pool {
                self
            }
        }
    )*};
}
pub(crate) use owners;

/// Pools that [`module!`](crate::module!) can declare: made from a constant, without code of the
/// driver.
pub trait ForModule: Sealed + Sync + Sized {
    /// What it is made from.
    type Args: 'static;

    /// Makes the pool.
    #[doc(hidden)]
    fn create_for_module(task: &TaskCx, args: &Self::Args) -> Result<Self>;

    /// Ends the pool at once.
    #[doc(hidden)]
    fn destroy_for_module(self, task: &TaskCx);
}

// What comes from a pool -----------------------------------------------------------------------------------------------

/// Memory for objects of one type: [`Cache`](crate::slab::Cache) and [`Mempool`](crate::mempool::Mempool).
pub trait Pool: Sealed {
    /// What the memory is for.
    type Object;

    /// Takes memory back. Does not sleep.
    ///
    /// # Safety
    ///
    /// `object` is from this pool, and nobody uses it from here on.
    #[doc(hidden)]
    unsafe fn free(&self, object: NonNull<Self::Object>);
}

/// Memory from a pool, of which nobody knows what is in it.
///
/// [`PooledUninit::write`] and pin-init make an [`Pooled`] of it; dropped, it goes back.
///
/// # Invariants
///
/// `object` is memory from the pool of `owner`, aligned and valid for reads and writes of a
/// `P::Object`, and nobody else uses it.
pub struct PooledUninit<P: Pool, O: PoolRef<P>> {
    object: NonNull<P::Object>,
    owner: DropOrLeak<O>,
    _pool: PhantomData<P>,
}

// SAFETY: The memory is ours alone, and every pool may be used from every thread.
unsafe impl<P: Pool, O: PoolRef<P> + Send> Send for PooledUninit<P, O> {}
// SAFETY: A shared reference gives nothing.
unsafe impl<P: Pool, O: PoolRef<P> + Sync> Sync for PooledUninit<P, O> {}

impl<P: Pool, O: PoolRef<P>> PooledUninit<P, O> {
    /// # Safety
    ///
    /// `object` is memory from the pool of `owner`, aligned and valid for reads and writes of a
    /// `P::Object`, and nobody else uses it.
    #[inline(always)]
    pub(crate) unsafe fn new(object: NonNull<P::Object>, owner: O) -> Self {
        // INVARIANT: By the contract of this function.
        Self {
            object,
            owner: DropOrLeak::new(owner),
            _pool: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *mut P::Object {
        self.object.as_ptr()
    }

    /// The memory as it is.
    #[inline(always)]
    pub fn as_uninit(&self) -> &MaybeUninit<P::Object> {
        // SAFETY: By the invariant, and a `MaybeUninit` is always initialised.
        unsafe { self.object.cast().as_ref() }
    }

    /// Initialises the memory with `value`.
    #[inline(always)]
    pub fn write(self, value: P::Object) -> Pooled<P, O> {
        // SAFETY: By the invariant.
        unsafe { self.object.write(value) };
        // INVARIANT: Just initialised.
        Pooled(self)
    }

    /// Claims that the memory is initialised.
    ///
    /// # Safety
    ///
    /// The memory holds a valid object.
    #[inline(always)]
    pub unsafe fn assume_init(self) -> Pooled<P, O> {
        // INVARIANT: By the contract of this function.
        Pooled(self)
    }
}

impl<P: Pool, O: PoolRef<P>> Drop for PooledUninit<P, O> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the invariant, and it is not used again.
        unsafe { self.owner.pool().free(self.object) }
    }
}

impl<P: Pool, O: PoolRef<P>> InPlaceWrite<P::Object> for PooledUninit<P, O> {
    type Initialized = Pooled<P, O>;

    #[inline]
    fn write_init<E>(self, init: impl Init<P::Object, E>) -> Result<Self::Initialized, E> {
        // SAFETY: The memory is valid, and when `init` fails it goes back without being looked at.
        unsafe { pin_init::raw_try_init(self.as_ptr(), init)? };
        // INVARIANT: `init` succeeded.
        Ok(Pooled(self))
    }

    #[inline]
    fn write_pin_init<E>(
        self,
        init: impl PinInit<P::Object, E>,
    ) -> Result<Pin<Self::Initialized>, E> {
        // SAFETY: The memory is valid, when `init` fails it goes back without being looked at, and
        // the object stays there.
        unsafe { pin_init::raw_try_init(self.as_ptr(), init)? };
        // INVARIANT: `init` succeeded.
        Ok(Pooled(self).into())
    }
}

impl<P: Pool, O: PoolRef<P>> fmt::Debug for PooledUninit<P, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PooledUninit")
    }
}

/// An object in memory from a pool: [`SlabBox`](crate::slab::SlabBox) and
/// [`MempoolBox`](crate::mempool::MempoolBox).
///
/// Dropped, the object is dropped and its memory goes back to the pool, which takes no token and
/// does not sleep.
///
/// # Invariants
///
/// The memory holds a valid object.
pub struct Pooled<P: Pool, O: PoolRef<P>>(PooledUninit<P, O>);

// SAFETY: The box owns the object, and every pool may be used from every thread.
unsafe impl<P: Pool, O: PoolRef<P> + Send> Send for Pooled<P, O> where P::Object: Send {}
// SAFETY: A shared box gives no more than a shared reference to the object.
unsafe impl<P: Pool, O: PoolRef<P> + Sync> Sync for Pooled<P, O> where P::Object: Sync {}
// The object does not move with the box.
impl<P: Pool, O: PoolRef<P>> Unpin for Pooled<P, O> {}

impl<P: Pool, O: PoolRef<P>> Pooled<P, O> {
    /// Takes the object out and gives the memory back.
    #[inline]
    pub fn into_inner(self) -> P::Object {
        self.take().0
    }

    /// Takes the object out and keeps the memory for another one.
    #[inline]
    pub fn take(self) -> (P::Object, PooledUninit<P, O>) {
        let this = ManuallyDrop::new(self);
        // SAFETY: The box is not used again.
        let memory = unsafe { ptr::read(&this.0) };
        // SAFETY: By the invariant; the object is not used in its old place again.
        let object = unsafe { memory.object.read() };
        (object, memory)
    }
}

impl<P: Pool, O: PoolRef<P>> Drop for Pooled<P, O> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the invariant; the object is not used again. The memory goes back after this.
        unsafe { ptr::drop_in_place(self.0.as_ptr()) };
    }
}

impl<P: Pool, O: PoolRef<P>> Deref for Pooled<P, O> {
    type Target = P::Object;
    #[inline(always)]
    fn deref(&self) -> &P::Object {
        // SAFETY: By the invariant.
        unsafe { self.0.object.as_ref() }
    }
}

impl<P: Pool, O: PoolRef<P>> DerefMut for Pooled<P, O> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut P::Object {
        // SAFETY: By the invariant, and the box is borrowed exclusively.
        unsafe { self.0.object.as_mut() }
    }
}

impl<P: Pool, O: PoolRef<P>> From<Pooled<P, O>> for Pin<Pooled<P, O>> {
    #[inline]
    fn from(this: Pooled<P, O>) -> Self {
        // SAFETY: The object is in memory that does not move with the box, and `Pin` does not let
        // it out. Memory of a leaked box is never used again: the pool is not freed before.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<P: Pool, O: PoolRef<P>> fmt::Debug for Pooled<P, O>
where
    P::Object: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
