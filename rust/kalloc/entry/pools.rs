// SPDX-License-Identifier: GPL-2.0

//! Pools that a module declares in [`module!`](crate::module!).

use crate::{
    contexts::tokens::TaskCx,
    memory::pooled::{
        ForModule,
        PoolRef, //
    },
};
use core::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::MaybeUninit,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};
use kernel::error::{
    code::EBUSY,
    Result, //
};

// SAFETY: `PoolName`: the type has no subtypes, and `PLACE` names one static, so all values of the
// type, and of what a type with an owner coerces to, have the same pool. The pool is made before all
// other code of its module runs, and destroyed after it.
unsafe impl<S: StaticPool> PoolRef<S::Pool> for S {
    #[inline(always)]
    fn pool(&self) -> &S::Pool {
        // SAFETY: `StaticPool` has `PoolName` as its supertrait.
        unsafe { S::PLACE.get() }
    }
}

/// A type that [`module!`](crate::module!) declares as the name of a pool.
///
/// # Safety
///
/// The type is a struct without parameters: a type with a lifetime may have subtypes, which are
/// other names. [`StaticPool::PLACE`] is a static that no other name has. The module of the static
/// makes the pool, by [`ModulePool::make`], before all its other code runs, and destroys the pool
/// after that.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the name of a pool",
    label = "`pools` in `kalloc::module!` declares the names of pools"
)]
pub unsafe trait PoolName: 'static {}

/// The pool of a name that [`module!`](crate::module!) declares.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reference to that pool",
    label = "a reference to the pool, an `Arc` of it, or a name that `module!` declares is expected here"
)]
pub trait StaticPool: PoolName {
    /// The pool.
    type Pool: ForModule + 'static;

    /// The static of the pool.
    // A constant, since a function could return different statics.
    const PLACE: ModuleStaticRef<Self::Pool>;

    /// The arguments that the pool is made with.
    const ARGS: <Self::Pool as ForModule>::Args;
}

/// Returns the pool of a name.
#[doc(hidden)]
#[inline(always)]
pub fn pool<S: StaticPool>(_name: S) -> &'static S::Pool {
    // SAFETY: `StaticPool` has `PoolName` as its supertrait.
    unsafe { S::PLACE.get() }
}

/// The storage of a pool that [`module!`](crate::module!) declares.
#[doc(hidden)]
pub struct ModuleStatic<P> {
    pool: UnsafeCell<MaybeUninit<P>>,
    made: AtomicBool,
}

// SAFETY: The static is written only before and after all other code of the module runs. In between
// it gives only `&P`.
unsafe impl<P: Sync> Sync for ModuleStatic<P> {}

impl<P> ModuleStatic<P> {
    /// An empty static.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self {
            pool: UnsafeCell::new(MaybeUninit::uninit()),
            made: AtomicBool::new(false),
        }
    }
}

impl<P> fmt::Debug for ModuleStatic<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModuleStatic")
    }
}

/// A reference to the static of a pool. (A constant cannot be a reference to a static that
/// changes.)
#[doc(hidden)]
#[derive(Debug)]
pub struct ModuleStaticRef<P: 'static>(*const ModuleStatic<P>);

impl<P> ModuleStaticRef<P> {
    /// Refers to `place`.
    pub const fn new(place: &'static ModuleStatic<P>) -> Self {
        Self(place)
    }

    #[inline(always)]
    const fn place(&self) -> &'static ModuleStatic<P> {
        // SAFETY: `new` got a `'static` reference to it.
        unsafe { &*self.0 }
    }

    /// The pool.
    ///
    /// # Safety
    ///
    /// The static is that of a [`PoolName`].
    #[inline(always)]
    unsafe fn get(&self) -> &'static P {
        // SAFETY: `# Safety`, and `PoolName`: the pool exists, and is not written, while other code
        // of the module runs. The pool is destroyed when no code can use the reference any more.
        unsafe { (*self.place().pool.get()).assume_init_ref() }
    }
}

/// The pool of a name exists until the value is dropped.
#[allow(unreachable_pub)]
#[derive(Debug)]
pub struct ModulePool<S: StaticPool>(PhantomData<fn(S)>);

impl<S: StaticPool> ModulePool<S> {
    /// Makes the pool.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the pool was made before, by this name or by another one. Otherwise the error of
    /// the pool.
    ///
    /// # Safety
    ///
    /// The caller is in process context. The result is dropped in process context, when nothing
    /// uses the pool any more.
    pub(crate) unsafe fn make(task: &TaskCx) -> Result<Self> {
        let place = S::PLACE.place();
        // `Relaxed`: only one caller gets false, and the pool is written before other code runs.
        if place.made.swap(true, Ordering::Relaxed) {
            return Err(EBUSY);
        }
        let args = S::ARGS;
        let pool = S::Pool::create_for_module(task, &args)?;
        // SAFETY: `made` was false, so the pool is made once, and before code that uses it runs.
        unsafe { (*place.pool.get()).write(pool) };
        Ok(Self(PhantomData))
    }
}

impl<S: StaticPool> Drop for ModulePool<S> {
    fn drop(&mut self) {
        // SAFETY: `# Safety` of `make`: this is process context. No other token can be reached.
        let task = unsafe { TaskCx::assume() };
        // SAFETY: `make` wrote the pool. `# Safety` of `make`: nothing uses the pool any more.
        let pool = unsafe { (*S::PLACE.place().pool.get()).assume_init_read() };
        pool.destroy_for_module(&task);
    }
}

/// The pools of a module: `(First, (Second, ()))`, names that `module!` declares.
// The trait is public because it is a bound in a public trait. No driver can name it.
#[allow(unreachable_pub)]
pub trait Pools {
    /// The pools exist until the value is dropped. The last one is dropped first.
    type ModulePool;

    /// Makes the pools, in this order.
    ///
    /// # Safety
    ///
    /// As [`ModulePool::make`].
    unsafe fn make(task: &TaskCx) -> Result<Self::ModulePool>;
}

impl Pools for () {
    type ModulePool = ();
    unsafe fn make(_task: &TaskCx) -> Result {
        Ok(())
    }
}

impl<S: StaticPool, Rest: Pools> Pools for (S, Rest) {
    // Fields are dropped in their order.
    type ModulePool = (Rest::ModulePool, ModulePool<S>);
    unsafe fn make(task: &TaskCx) -> Result<Self::ModulePool> {
        // SAFETY: `# Safety`: as that of `ModulePool::make`.
        let first = unsafe { ModulePool::make(task) }?;
        // SAFETY: `# Safety`: as that of `ModulePool::make`.
        Ok((unsafe { Rest::make(task) }?, first))
    }
}
