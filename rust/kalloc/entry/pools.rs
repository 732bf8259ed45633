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

// SAFETY: There is one pool, in a static that the constant names, the same for each value of the type.
// It is made before all other code of its module, and destroyed after it: see `ModuleStatic::new`.
unsafe impl<S: StaticPool> PoolRef<S::Pool> for S {
    #[inline(always)]
    fn pool(&self) -> &S::Pool {
        S::PLACE.get()
    }
}

/// The name of a pool that [`module!`](crate::module!) declares.
///
/// Who implements it by hand gives another name to a pool that `module!` has declared: nothing else
/// gives a [`ModuleStaticRef`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not own that pool",
    label = "a reference to the pool, an `Arc` of it, or a name that `module!` declares is expected here"
)]
pub trait StaticPool: 'static {
    /// The pool.
    type Pool: ForModule + 'static;

    /// Where it is.
    // A constant, since a function could give this one now and that one then.
    const PLACE: ModuleStaticRef<Self::Pool>;

    /// What it is made from.
    const ARGS: <Self::Pool as ForModule>::Args;
}

/// The pool of a name.
#[doc(hidden)]
#[inline(always)]
pub fn pool<S: StaticPool>(_name: S) -> &'static S::Pool {
    S::PLACE.get()
}

/// Where [`module!`](crate::module!) keeps a pool.
#[doc(hidden)]
pub struct ModuleStatic<P> {
    pool: UnsafeCell<MaybeUninit<P>>,
    made: AtomicBool,
}

// SAFETY: It is written before and after all other code of the module runs; in between it gives no
// more than `&P`.
unsafe impl<P: Sync> Sync for ModuleStatic<P> {}

impl<P> ModuleStatic<P> {
    /// A place with nothing in it.
    ///
    /// # Safety
    ///
    /// It initialises a static. The module that has the static makes the pool, by [`ModulePool::make`],
    /// before all other code of it runs, and destroys it after that.
    #[allow(clippy::new_without_default)]
    pub const unsafe fn new() -> Self {
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

/// The place of a pool. (A constant cannot be a reference to a static that changes.)
#[doc(hidden)]
#[derive(Debug)]
pub struct ModuleStaticRef<P: 'static>(*const ModuleStatic<P>);

impl<P> ModuleStaticRef<P> {
    /// That of this place.
    pub const fn new(place: &'static ModuleStatic<P>) -> Self {
        Self(place)
    }

    #[inline(always)]
    const fn place(&self) -> &'static ModuleStatic<P> {
        // SAFETY: `new` had a reference to it that is good for ever.
        unsafe { &*self.0 }
    }

    /// The pool.
    #[inline(always)]
    fn get(&self) -> &'static P {
        // SAFETY: By the contract of `ModuleStatic::new` there is a pool while code of the module runs, and
        // nobody writes to it. It is gone when no code is left that could use the reference.
        unsafe { (*self.place().pool.get()).assume_init_ref() }
    }
}

/// The pool of a name exists until this is dropped.
#[allow(unreachable_pub)]
#[derive(Debug)]
pub struct ModulePool<S: StaticPool>(PhantomData<fn(S)>);

impl<S: StaticPool> ModulePool<S> {
    /// Makes the pool.
    ///
    /// # Errors
    ///
    /// `EBUSY` if it was made before, by this name or by another one.
    ///
    /// # Safety
    ///
    /// The result is dropped in process context, when nothing uses the pool any more.
    pub(crate) unsafe fn make(task: &TaskCx) -> Result<Self> {
        let place = S::PLACE.place();
        if place.made.swap(true, Ordering::Relaxed) {
            return Err(EBUSY);
        }
        let args = S::ARGS;
        let pool = S::Pool::create_for_module(task, &args)?;
        // SAFETY: It is made once, before code runs that uses it.
        unsafe { (*place.pool.get()).write(pool) };
        Ok(Self(PhantomData))
    }
}

impl<S: StaticPool> Drop for ModulePool<S> {
    fn drop(&mut self) {
        // SAFETY: By the contract of `make` this is process context, and no other token is in reach.
        let task = unsafe { TaskCx::assume() };
        // SAFETY: `make` wrote it, and by its contract nobody uses it again.
        let pool = unsafe { (*S::PLACE.place().pool.get()).assume_init_read() };
        pool.destroy_for_module(&task);
    }
}

/// The pools of a module: `(First, (Second, ()))`, names that `module!` declares.
// Public because it is in the bounds of a public trait; no driver can name it.
#[allow(unreachable_pub)]
pub trait Pools {
    /// The pools exist until this is dropped, which drops the last first.
    type ModulePool;

    /// Makes them, in this order.
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
        // SAFETY: By the contract of this function.
        let first = unsafe { ModulePool::make(task) }?;
        // SAFETY: By the contract of this function.
        Ok((unsafe { Rest::make(task) }?, first))
    }
}
