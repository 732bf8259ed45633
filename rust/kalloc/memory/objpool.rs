// SPDX-License-Identifier: GPL-2.0

//! [`ObjPool`]: objects made beforehand, for every context.
//!
//! C header: [`include/linux/objpool.h`](srctree/include/linux/objpool.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`ObjPool::new`], [`ObjPool::try_new`], [`ObjPool::init`] | `objpool_init()` |
//! | [`ObjPool::pop`], [`ObjPool::pop_owned`] | `objpool_pop()` |
//! | drop of a [`PoolBox`] | `objpool_push()` |
//! | [`ObjPool::free`] | `objpool_free()` |
//!
//! A pool is made in process context, and gives and takes back without a lock and without an
//! allocation: in NMI handlers, and on `CONFIG_PREEMPT_RT` with interrupts or preemption disabled,
//! too. The objects are initialised once. What a popped object holds is what its last user left in
//! it.
//!
//! # NMI
//!
//! `objpool_push()` in an NMI that interrupts another push on the same CPU would hand out an object
//! that still has an owner. So what is dropped in an NMI handler waits on a list beside the kernel's
//! rings, from where `pop` takes when these are empty. (A `pop` on another CPU in just that moment
//! may find neither.)

use crate::{
    alloc::kmalloc,
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::MaySleep, //
    },
    flags::{
        gfp::Gfp,
        matrix::ForObjPool, //
    },
};
use core::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::{
        needs_drop,
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        gfp_t,
        kvfree_rcu_head,
        llist_head,
        llist_node, //
    },
    error::{
        code::*,
        to_result,
        Error,
        Result, //
    },
    ffi::{
        c_int,
        c_void, //
    },
    prelude::Init,
    sync::Refcount,
    types::Opaque, //
};

/// The largest number of objects of a pool, `OBJPOOL_NR_OBJECT_MAX`.
pub const MAX_OBJECTS: usize = KALLOC_CONST_OBJPOOL_NR_OBJECT_MAX;

/// The largest object in bytes, `OBJPOOL_OBJECT_SIZE_MAX` less what the pool keeps in it.
pub const MAX_SIZE: usize = KALLOC_CONST_OBJPOOL_OBJECT_SIZE_MAX - size_of::<llist_node>();

/// What the pool holds for each object.
#[repr(C)]
struct Object<T> {
    /// For the list of what came back in NMI. While the pool is made, links all.
    node: llist_node,
    value: T,
}

#[repr(C)]
struct Inner {
    /// For the end in a context that cannot free.
    rcu: UnsafeCell<MaybeUninit<kvfree_rcu_head>>,
    head: Opaque<objpool_head>,
    from_nmi: UnsafeCell<llist_head>,
    refs: Refcount,
}

/// A pool of objects `T`, made beforehand.
///
/// ```
/// use kalloc::prelude::*;
///
/// struct Sample { cpu: u32, values: [u64; 7] }
///
/// fn pool(task: &TaskCx) -> Result<ObjPool<Sample>> {
///     ObjPool::new(task, 64, |_| Sample { cpu: 0, values: [0; 7] })
/// }
///
/// fn sample(_cx: &mut NmiCx<'_>, pool: &ObjPool<Sample>) {
///     if let Some(mut sample) = pool.pop() {
///         sample.values[0] += 1;
///     } // Goes back to the pool.
/// }
/// ```
///
/// Dropping the pool drops the objects and hands their memory to `kvfree_rcu()`, which frees it
/// later in process context: legal in every context. [`ObjPool::free`] frees at once. An object that
/// was leaked (`mem::forget`) is freed with the pool, and its value is not dropped.
///
/// # Invariants
///
/// The pointer is to an `Inner` in memory of kmalloc, which lives as long as `refs` is not 0, of
/// which this is one. Its `head` was initialised with objects of the size of `Object<T>`. Each one
/// in the rings or the list is in neither twice, has no owner, and holds an initialised `T`.
// Invariant in `T`: shared it gives `&mut T`.
pub struct ObjPool<T>(NonNull<Inner>, PhantomData<UnsafeCell<T>>);

// SAFETY: The pool owns its `T`s, and each of the calls behind it may be made on every thread.
unsafe impl<T: Send> Send for ObjPool<T> {}
// SAFETY: It gives each `T` to one owner at a time, on whatever thread.
unsafe impl<T: Send> Sync for ObjPool<T> {}

/// Links the objects of a new pool. The context is the head of the list.
extern "C" fn link(object: *mut c_void, context: *mut c_void) -> c_int {
    let (node, head) = (
        object.cast::<llist_node>(),
        context.cast::<*mut llist_node>(),
    );
    // SAFETY: `objpool_init()` hands over memory of an `Object`, and the context that it got.
    unsafe { (*node).next = *head };
    // SAFETY: As above.
    unsafe { *head = node };
    0
}

// SAFETY: Its objects are popped and pushed without a lock, and what is `Copy` has no drop glue.
unsafe impl<T: Copy + NmiSafe> NmiSafe for ObjPool<T> {}

impl<T> ObjPool<T> {
    /// A pool of `nr` objects, each made by `f` from its number, wraps `objpool_init()`.
    ///
    /// The memory comes from vmalloc, spread over the CPUs: an array of pointers for each possible
    /// CPU that has room for all objects, and the CPU's share of the objects, with one pointer more
    /// in each.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory; `EINVAL` for no object at all, for more than
    /// [`MAX_OBJECTS`], and for more than 2 GiB for one CPU, where `objpool_init()` would write
    /// behind what it allocated. A type larger than [`MAX_SIZE`] or aligned to more than a pointer
    /// does not compile, and neither does a grant for one node.
    #[inline]
    pub fn new<G>(grant: G, nr: usize, mut f: impl FnMut(usize) -> T) -> Result<Self>
    where
        G: Grant<Flags: ForObjPool>,
    {
        Self::build(grant, nr, |number, slot| {
            // SAFETY: `build` hands over memory for a `T`.
            unsafe { slot.write(f(number)) };
            Ok(())
        })
    }

    /// As [`ObjPool::new`], with an `f` that may fail.
    ///
    /// # Errors
    ///
    /// As [`ObjPool::new`], and what `f` returns. The objects before it are dropped.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn boxes(task: &TaskCx) -> Result<ObjPool<KBox<u32>>> {
    ///     ObjPool::try_new(task, 8, |i| KBox::new(task, i as u32))
    /// }
    /// ```
    #[inline]
    pub fn try_new<G, E>(
        grant: G,
        nr: usize,
        mut f: impl FnMut(usize) -> Result<T, E>,
    ) -> Result<Self>
    where
        G: Grant<Flags: ForObjPool>,
        Error: From<E>,
    {
        Self::build(grant, nr, |number, slot| {
            // SAFETY: `build` hands over memory for a `T`.
            unsafe { slot.write(f(number)?) };
            Ok(())
        })
    }

    /// As [`ObjPool::new`], with objects that are initialised in their places.
    ///
    /// # Errors
    ///
    /// As [`ObjPool::new`], and what an initialiser returns. The objects before it are dropped.
    #[inline]
    pub fn init<G, I, E>(grant: G, nr: usize, mut f: impl FnMut(usize) -> I) -> Result<Self>
    where
        G: Grant<Flags: ForObjPool>,
        I: Init<T, E>,
        Error: From<E>,
    {
        Self::build(grant, nr, |number, slot| {
            // SAFETY: `build` hands over memory for a `T`, and looks at it only after success.
            unsafe { pin_init::raw_try_init(slot, f(number)) }.map_err(Error::from)
        })
    }

    /// Makes the pool, with objects that `f` initialises.
    fn build<G>(grant: G, nr: usize, mut f: impl FnMut(usize, *mut T) -> Result) -> Result<Self>
    where
        G: Grant<Flags: ForObjPool>,
    {
        const {
            assert!(
                size_of::<Object<T>>() <= KALLOC_CONST_OBJPOOL_OBJECT_SIZE_MAX,
                "larger than an object of a pool can be"
            );
            assert!(
                align_of::<T>() <= align_of::<usize>(),
                "objects of a pool are aligned as pointers are"
            );
            assert!(!G::ON_NODE, "a pool is spread over the nodes of all CPUs");
        };
        let mut flags: gfp_t = G::Flags::BITS;
        if nr == 0 || nr > MAX_OBJECTS {
            return Err(EINVAL);
        }
        // SAFETY: `nr` is neither 0 nor too large to be rounded up.
        match unsafe { kalloc_helper_objpool_slot_size(nr as u64, size_of::<Object<T>>() as u64) } {
            size if size > c_int::MAX as u64 => return Err(EINVAL),
            // When vmalloc fails the kernel tries kmalloc, which complains of such a size.
            size if size > kmalloc::MAX_SIZE as u64 => flags |= KALLOC_CONST___GFP_NOWARN,
            _ => {}
        }

        // SAFETY: kmalloc accepts all flags that a pool does, and an `Inner` is smaller than a page.
        let inner = unsafe { kmalloc::alloc::<Inner, _>(grant) };
        let inner = NonNull::new(inner).ok_or(ENOMEM)?;
        let mut all: *mut llist_node = ptr::null_mut();
        // SAFETY: The memory is valid for writes of an `Inner`.
        unsafe {
            inner.write(Inner {
                rcu: UnsafeCell::new(MaybeUninit::uninit()),
                head: Opaque::uninit(),
                from_nmi: UnsafeCell::new(llist_head::default()),
                refs: Refcount::new(1),
            })
        };
        // SAFETY: As above.
        let head = unsafe { inner.as_ref() }.head.get();
        // SAFETY: `head` is valid, the numbers are in range, the flags are legal in this context,
        // and `link` takes `all`, which lives until the call returns.
        let made = to_result(unsafe {
            objpool_init(
                head,
                nr as c_int,
                size_of::<Object<T>>() as c_int,
                flags,
                (&raw mut all).cast(),
                Some(link),
                None,
            )
        });
        if let Err(error) = made {
            // SAFETY: It is memory of kmalloc that nobody else has.
            unsafe { bindings::kfree(inner.as_ptr().cast()) };
            return Err(error);
        }

        // SAFETY: The pool was initialised, and the flags are legal in this context.
        let room = to_result(unsafe { kalloc_helper_objpool_make_room(head, flags) });
        if let Err(error) = room {
            // SAFETY: The pool was initialised and nobody has an object of it. The flags of a pool
            // are those of a context that sleeps.
            unsafe { objpool_free(head) };
            // SAFETY: It is memory of kmalloc that nobody else has.
            unsafe { bindings::kfree(inner.as_ptr().cast()) };
            return Err(error);
        }

        let mut object = all.cast::<Object<T>>();
        for number in 0..nr {
            // SAFETY: `link` has linked `nr` objects, each of them memory for an `Object<T>`.
            let slot = unsafe { &raw mut (*object).value };
            if let Err(error) = f(number, slot) {
                let end = object;
                object = all.cast();
                while !ptr::eq(object, end) {
                    // SAFETY: The objects before `end` are initialised, and not used again.
                    unsafe { ptr::drop_in_place(&raw mut (*object).value) };
                    // SAFETY: As above.
                    object = unsafe { (*object).node.next.cast() };
                }
                // SAFETY: The pool was initialised and nobody has an object of it. The flags of a
                // pool are those of a context that sleeps.
                unsafe { objpool_free(head) };
                // SAFETY: It is memory of kmalloc that nobody else has.
                unsafe { bindings::kfree(inner.as_ptr().cast()) };
                return Err(error);
            }
            // SAFETY: As above.
            object = unsafe { (*object).node.next.cast() };
        }
        // INVARIANT: All objects are in the rings, each once, and were just initialised.
        Ok(Self(inner, PhantomData))
    }

    #[inline(always)]
    fn inner(&self) -> &Inner {
        // SAFETY: By the invariant.
        unsafe { self.0.as_ref() }
    }

    /// The number of objects that the pool was made with.
    #[inline]
    pub fn capacity(&self) -> usize {
        // SAFETY: The field is not written after the pool was made.
        unsafe { (*self.inner().head.get()).nr_objs as usize }
    }

    #[inline(always)]
    fn pop_raw(&self) -> Option<NonNull<Object<T>>> {
        let inner = self.inner();
        // SAFETY: By the invariant the pool is initialised.
        let object = unsafe { kalloc_helper_objpool_pop(inner.head.get(), inner.from_nmi.get()) };
        NonNull::new(object.cast())
    }

    /// An object, or nothing where all have owners, wraps `objpool_pop()`.
    ///
    /// Context: every one.
    #[inline]
    pub fn pop(&self) -> Option<PoolBox<T, &Self>> {
        // INVARIANT: The object was in the pool, and is no more.
        Some(PoolBox {
            object: self.pop_raw()?,
            pool: self,
        })
    }

    /// As [`ObjPool::pop`], an object that keeps the pool: it may be stored anywhere, and the pool
    /// is freed with the last of them.
    ///
    /// Whoever drops the last one ends the pool, in whatever context. So only for objects without
    /// drop glue: others do not compile.
    ///
    /// ```
    /// use kalloc::{objpool::PoolBox, prelude::*};
    ///
    /// struct Event(PoolBox<[u64; 4], ObjPool<[u64; 4]>>);
    ///
    /// fn event(_cx: &mut NmiCx<'_>, pool: &ObjPool<[u64; 4]>) -> Option<Event> {
    ///     pool.pop_owned().map(Event)
    /// }
    /// ```
    #[inline]
    pub fn pop_owned(&self) -> Option<PoolBox<T, Self>> {
        const {
            assert!(
                !needs_drop::<T>(),
                "the last owner drops the objects, where it is not known what may be dropped"
            )
        };
        let object = self.pop_raw()?;
        self.inner().refs.inc();
        // INVARIANT: The object was in the pool, and is no more. The new reference is counted.
        Some(PoolBox {
            object,
            pool: Self(self.0, PhantomData),
        })
    }

    /// Drops the objects and frees the pool at once, or with the last object of
    /// [`ObjPool::pop_owned`]; wraps `objpool_free()`.
    #[inline]
    pub fn free<C: MaySleep>(self, _cx: &C) {
        let this = ManuallyDrop::new(self);
        if this.end() {
            let inner = this.0;
            // SAFETY: Nobody else has the pool, no object of it has an owner, and the caller may
            // sleep.
            unsafe { objpool_free(inner.as_ref().head.get()) };
            // SAFETY: It is memory of kmalloc that nobody else has.
            unsafe { bindings::kfree(inner.as_ptr().cast()) };
        }
    }

    /// Gives up the reference. Drops the objects and returns true if it was the last one.
    #[inline]
    fn end(&self) -> bool {
        if !self.inner().refs.dec_and_test() {
            return false;
        }
        if const { needs_drop::<T>() } {
            while let Some(object) = self.pop_raw() {
                // SAFETY: The object has no owner and is initialised; it is not used again.
                unsafe { ptr::drop_in_place(&raw mut (*object.as_ptr()).value) };
            }
        }
        true
    }
}

impl<T> Drop for ObjPool<T> {
    #[inline]
    fn drop(&mut self) {
        if self.end() {
            let inner = self.0;
            // SAFETY: Nobody else has the pool, no object of it has an owner, and `build` has made room
            // for the heads.
            unsafe { kalloc_helper_objpool_free_later(inner.as_ref().head.get()) };
            // SAFETY: It is memory of kmalloc that nobody else has, and begins with the head.
            unsafe { kalloc_helper_kvfree_rcu(inner.as_ptr().cast(), inner.as_ptr().cast()) };
        }
    }
}

impl<T> fmt::Debug for ObjPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjPool")
            .field("capacity", &self.capacity())
            .finish()
    }
}

mod private {
    /// What keeps a pool for an object: `&ObjPool<T>` or an `ObjPool<T>`.
    pub trait Owner<T> {
        #[doc(hidden)]
        fn pool(&self) -> &super::ObjPool<T>;
    }
    impl<T> Owner<T> for &super::ObjPool<T> {
        #[inline(always)]
        fn pool(&self) -> &super::ObjPool<T> {
            self
        }
    }
    impl<T> Owner<T> for super::ObjPool<T> {
        #[inline(always)]
        fn pool(&self) -> &super::ObjPool<T> {
            self
        }
    }
}
use private::Owner;

/// An object of a pool, which goes back when this is dropped, in every context; wraps
/// `objpool_push()`.
///
/// `O` is what keeps the pool: `&ObjPool<T>` of [`ObjPool::pop`], `ObjPool<T>` of
/// [`ObjPool::pop_owned`].
///
/// # Invariants
///
/// The object is one of the pool of `pool`, is initialised, and nobody else has it.
pub struct PoolBox<T, O: Owner<T>> {
    object: NonNull<Object<T>>,
    pool: O,
}

// SAFETY: It owns the `T`, and an object may go back on another thread.
unsafe impl<T: Send, O: Owner<T>> Send for PoolBox<T, O> {}
// SAFETY: Shared it gives no more than `&T`.
unsafe impl<T: Sync, O: Owner<T>> Sync for PoolBox<T, O> {}

impl<T, O: Owner<T>> Drop for PoolBox<T, O> {
    #[inline]
    fn drop(&mut self) {
        let inner = self.pool.pool().inner();
        // SAFETY: By the invariant the object is one of this pool, in which it is not.
        unsafe {
            kalloc_helper_objpool_push(
                self.object.as_ptr().cast(),
                inner.head.get(),
                inner.from_nmi.get(),
            )
        };
    }
}

impl<T, O: Owner<T>> Deref for PoolBox<T, O> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { &self.object.as_ref().value }
    }
}

impl<T, O: Owner<T>> DerefMut for PoolBox<T, O> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the invariant, and the box is borrowed exclusively.
        unsafe { &mut self.object.as_mut().value }
    }
}

impl<T: fmt::Debug, O: Owner<T>> fmt::Debug for PoolBox<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
