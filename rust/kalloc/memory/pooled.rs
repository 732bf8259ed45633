// SPDX-License-Identifier: GPL-2.0

//! [`Pooled`]: boxes that keep their slab cache or memory pool alive.
//!
//! A box stores a reference to its pool, a [`PoolRef`], so the pool is not destroyed before the
//! box:
//!
//! | reference | size | for |
//! | --- | --- | --- |
//! | `&'a Cache<T>` | 8 | boxes that do not leave the scope of the pool, or are stored next to it |
//! | `Arc<Cache<T>>` | 8 | boxes that may be stored anywhere; the last one frees the pool |
//! | a name declared in [`module!`](crate::module!) | 0 | pools of the module, created before init and destroyed after exit |
//!
//! With a name of the module a box is a single pointer, as in C.
//!
//! The memory of a leaked box (`mem::forget`) stays in use. The kernel warns when the pool is
//! destroyed, and does not free that memory.

use crate::{
    alloc::deferred_free::DropOrLeak,
    contexts::tokens::TaskCx,
    ground::sealed::Sealed,
    series, //
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

/// References that keep a pool `P` alive.
///
/// # Safety
///
/// [`PoolRef::pool`] returns the same `P` each time, also after the reference moved. That `P` does
/// not move and is valid until the reference is dropped. If the reference is [`Clone`], each clone
/// returns the same `P` and keeps it alive on its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reference to a `{P}`",
    label = "a `&{P}`, an `Arc<{P}>`, or a name that `module!` declares is expected here"
)]
pub unsafe trait PoolRef<P> {
    /// The pool.
    fn pool(&self) -> &P;
}

/// Implements `PoolRef` for references and `Arc`s of each pool type. Not for all types, so that the
/// names that `module!` declares may implement it.
macro_rules! pool_refs {
    ($({$($generics:tt)*} $pool:ty;)*) => {$(
        // SAFETY: A reference, and a copy of it, refers to the same pool for its lifetime.
        unsafe impl<$($generics)*> crate::memory::pooled::PoolRef<$pool> for &$pool {
            #[inline(always)]
            fn pool(&self) -> &$pool {
                self
            }
        }

        // SAFETY: An `Arc` keeps its pool alive and does not move it. A clone refers to the same
        // pool.
        unsafe impl<$($generics)*> crate::memory::pooled::PoolRef<$pool> for kernel::sync::Arc<$pool> {
            #[inline(always)]
            fn pool(&self) -> &$pool {
                self
            }
        }
    )*};
}
pub(crate) use pool_refs;

/// Pools that [`module!`](crate::module!) can declare: created from a constant, without code of the
/// driver.
pub trait ForModule: Sealed + Sync + Sized {
    /// The arguments of the pool.
    type Args: 'static;

    /// Creates the pool.
    #[doc(hidden)]
    fn create_for_module(task: &TaskCx, args: &Self::Args) -> Result<Self>;

    /// Destroys the pool now.
    #[doc(hidden)]
    fn destroy_for_module(self, task: &TaskCx);
}

// Memory of a pool ------------------------------------------------------------------------------

/// Memory for objects of one type: [`Cache`](crate::slab::Cache) and [`Mempool`](crate::mempool::Mempool).
pub trait Pool: Sealed {
    /// The type of the objects.
    type Object;

    /// Returns memory to the pool. Does not sleep.
    ///
    /// # Safety
    ///
    /// `object` is from this pool and is not used again.
    #[doc(hidden)]
    unsafe fn free(&self, object: NonNull<Self::Object>);
}

/// Uninitialised memory of a pool.
///
/// [`PooledUninit::write`] and pin-init convert it to a [`Pooled`]. Dropping it returns the memory
/// to the pool.
///
/// # Invariants
///
/// `object` is memory of the pool of `pool_ref`, aligned, valid for reads and writes of a `P::Object`,
/// and owned by this alone.
pub struct PooledUninit<P: Pool, O: PoolRef<P>> {
    object: NonNull<P::Object>,
    pool_ref: DropOrLeak<O>,
    _pool: PhantomData<P>,
}

// SAFETY: It owns the memory, and any thread may use a pool.
unsafe impl<P: Pool, O: PoolRef<P> + Send> Send for PooledUninit<P, O> {}
// SAFETY: A shared one gives only `&MaybeUninit`.
unsafe impl<P: Pool, O: PoolRef<P> + Sync> Sync for PooledUninit<P, O> {}

impl<P: Pool, O: PoolRef<P>> PooledUninit<P, O> {
    /// Takes ownership of memory.
    ///
    /// # Safety
    ///
    /// `object` is memory of the pool of `pool_ref`, aligned and valid for reads and writes of a
    /// `P::Object`. It has no other owner.
    #[inline(always)]
    pub(crate) unsafe fn new(object: NonNull<P::Object>, pool_ref: O) -> Self {
        // INVARIANT: `# Safety`: owned memory of the pool of `pool_ref`, valid for a `P::Object`.
        Self {
            object,
            pool_ref: DropOrLeak::new(pool_ref),
            _pool: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *mut P::Object {
        self.object.as_ptr()
    }

    /// The memory, uninitialised.
    #[inline(always)]
    pub fn as_uninit(&self) -> &MaybeUninit<P::Object> {
        // SAFETY: Invariant of `PooledUninit`: the memory is valid for reads. A `MaybeUninit` needs
        // no initialisation.
        unsafe { self.object.cast().as_ref() }
    }

    /// Initialises the memory with `value`.
    #[inline(always)]
    pub fn write(self, value: P::Object) -> Pooled<P, O> {
        // SAFETY: Invariant of `PooledUninit`: the memory is valid for writes of a `P::Object`.
        unsafe { self.object.write(value) };
        // INVARIANT: It was initialised above.
        Pooled(self)
    }

    /// Asserts that the memory is initialised.
    ///
    /// # Safety
    ///
    /// The memory holds a valid object.
    #[inline(always)]
    pub unsafe fn assume_init(self) -> Pooled<P, O> {
        // INVARIANT: `# Safety`: the memory holds a valid object.
        Pooled(self)
    }
}

impl<P: Pool, O: PoolRef<P>> Drop for PooledUninit<P, O> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: Invariant of `PooledUninit`: owned memory of this pool. It is not used again.
        unsafe { self.pool_ref.pool().free(self.object) }
    }
}

impl<P: Pool, O: PoolRef<P>> InPlaceWrite<P::Object> for PooledUninit<P, O> {
    type Initialized = Pooled<P, O>;

    #[inline]
    fn write_init<E>(self, init: impl Init<P::Object, E>) -> Result<Self::Initialized, E> {
        // SAFETY: The memory is valid for writes. If `init` fails, the memory is freed and not
        // read.
        unsafe { series::raw_try_init(self.as_ptr(), init)? };
        // INVARIANT: `init` succeeded.
        Ok(Pooled(self))
    }

    #[inline]
    fn write_pin_init<E>(
        self,
        init: impl PinInit<P::Object, E>,
    ) -> Result<Pin<Self::Initialized>, E> {
        // SAFETY: The memory is valid for writes. If `init` fails, the memory is freed and not
        // read. The object does not move.
        unsafe { series::raw_try_init(self.as_ptr(), init)? };
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
/// Dropping it drops the object and returns its memory to the pool. This takes no token and does
/// not sleep.
///
/// # Invariants
///
/// The memory holds a valid object.
pub struct Pooled<P: Pool, O: PoolRef<P>>(PooledUninit<P, O>);

// SAFETY: The box owns the object, and any thread may use a pool.
unsafe impl<P: Pool, O: PoolRef<P> + Send> Send for Pooled<P, O> where P::Object: Send {}
// SAFETY: A shared box gives only a shared reference to the object.
unsafe impl<P: Pool, O: PoolRef<P> + Sync> Sync for Pooled<P, O> where P::Object: Sync {}
// The object stays at its address when the box moves.
impl<P: Pool, O: PoolRef<P>> Unpin for Pooled<P, O> {}

impl<P: Pool, O: PoolRef<P>> Pooled<P, O> {
    /// Moves the object out and returns the memory to the pool.
    #[inline]
    pub fn into_inner(self) -> P::Object {
        self.take().0
    }

    /// Moves the object out and keeps the memory for another object.
    #[inline]
    pub fn take(self) -> (P::Object, PooledUninit<P, O>) {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped, and its memory is not used again through it.
        let memory = unsafe { ptr::read(&this.0) };
        // SAFETY: Invariant of `Pooled`: the memory holds a valid object. The object is not used in
        // the memory again.
        let object = unsafe { memory.object.read() };
        (object, memory)
    }
}

impl<P: Pool, O: PoolRef<P>> Drop for Pooled<P, O> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: Invariant of `Pooled`: the memory holds a valid object. It is not used again. The
        // drop of the field returns the memory afterwards.
        unsafe { ptr::drop_in_place(self.0.as_ptr()) };
    }
}

impl<P: Pool, O: PoolRef<P>> Deref for Pooled<P, O> {
    type Target = P::Object;
    #[inline(always)]
    fn deref(&self) -> &P::Object {
        // SAFETY: Invariant of `Pooled`: the memory holds a valid object.
        unsafe { self.0.object.as_ref() }
    }
}

impl<P: Pool, O: PoolRef<P>> DerefMut for Pooled<P, O> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut P::Object {
        // SAFETY: Invariant of `Pooled`: the memory holds a valid object. The box is borrowed
        // exclusively.
        unsafe { self.0.object.as_mut() }
    }
}

impl<P: Pool, O: PoolRef<P>> From<Pooled<P, O>> for Pin<Pooled<P, O>> {
    #[inline]
    fn from(this: Pooled<P, O>) -> Self {
        // SAFETY: The object does not move when the box moves, and `Pin` does not allow moving it
        // out. The memory of a leaked box is never reused, since the pool does not free it.
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
