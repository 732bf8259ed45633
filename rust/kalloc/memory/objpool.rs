// SPDX-License-Identifier: GPL-2.0

//! [`ObjPool`]: preallocated objects, available in every context.
//!
//! C header: [`include/linux/objpool.h`](srctree/include/linux/objpool.h)
//!
//! The page [Object pools](pages/objpool.html) says more.
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`ObjPool::new`], [`ObjPool::try_new`], [`ObjPool::init`] | `objpool_init()` |
//! | [`ObjPool::pop`], [`ObjPool::pop_owned`] | `objpool_pop()` |
//! | drop of a [`PoolBox`] | `objpool_push()` |
//! | [`ObjPool::free`] | `objpool_free()` |
//!
//! A pool is created in process context. Allocating and freeing an object takes no lock and calls
//! no allocator, so both work in NMI handlers, and on `CONFIG_PREEMPT_RT` with interrupts or
//! preemption disabled. The objects are initialised once. A popped object has the contents that its
//! last user left.
//!
//! # NMI
//!
//! `objpool_push()` in an NMI that interrupts another push on the same CPU could make an object
//! available that still has an owner. So objects that are dropped in an NMI handler go to a
//! separate list. `pop` takes from that list when the kernel's rings are empty. (A concurrent `pop`
//! on another CPU may find both empty.)

use crate::{
    alloc::kmalloc,
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::MaySleep, //
    },
    flags::{
        allocators::ForObjPool,
        gfp::Gfp, //
    },
    series::{self, kvfree_rcu_head}, //
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

/// The maximum number of objects in a pool, `OBJPOOL_NR_OBJECT_MAX`.
pub const MAX_OBJECTS: usize = KALLOC_CONST_OBJPOOL_NR_OBJECT_MAX;

/// The size of the largest object in bytes: `OBJPOOL_OBJECT_SIZE_MAX` less the pool's list node.
pub const MAX_SIZE: usize = KALLOC_CONST_OBJPOOL_OBJECT_SIZE_MAX - size_of::<llist_node>();

/// The layout of each object.
#[repr(C)]
struct Object<T> {
    /// Links the list of objects freed in NMI. During creation it links all objects.
    node: llist_node,
    value: T,
}

#[repr(C)]
struct Inner {
    /// For `kvfree_rcu()`, if the pool is dropped.
    rcu: UnsafeCell<MaybeUninit<kvfree_rcu_head>>,
    head: Opaque<objpool_head>,
    from_nmi: UnsafeCell<llist_head>,
    refs: Refcount,
}

/// A pool of preallocated objects `T`.
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
/// Dropping the pool drops the objects and frees their memory later in process context, by
/// `kvfree_rcu()`. [`ObjPool::free`] frees it now. A leaked object (`mem::forget`) is freed with
/// the pool, and its value is not dropped.
///
/// # Context
///
/// Dropped in every context.
///
/// # Invariants
///
/// The pointer is to an `Inner` in memory of kmalloc, which is valid while `refs` is not 0. This
/// holds one of its references. Its `head` was initialised with objects of the size of `Object<T>`.
/// Each object is at most once in the rings or in the list. If it is there, it has no owner and
/// holds an initialised `T`.
// Invariant in `T`: a shared pool gives `&mut T`.
#[doc(alias = "objpool_head")]
pub struct ObjPool<T>(NonNull<Inner>, PhantomData<UnsafeCell<T>>);

// SAFETY: The pool owns its `T`s, and any thread may call the functions of a pool.
unsafe impl<T: Send> Send for ObjPool<T> {}
// SAFETY: A shared pool gives each `T` to one owner at a time, on any thread.
unsafe impl<T: Send> Sync for ObjPool<T> {}

/// Links the objects of a new pool into a list. `context` is a pointer to the head of the list.
extern "C" fn link(object: *mut c_void, context: *mut c_void) -> c_int {
    let (node, head) = (
        object.cast::<llist_node>(),
        context.cast::<*mut llist_node>(),
    );
    // SAFETY: `objpool_init()` passes memory of an `Object`, and the context that it was given.
    unsafe { (*node).next = *head };
    // SAFETY: As above.
    unsafe { *head = node };
    0
}

// SAFETY: Objects are popped and pushed without a lock, and a `Copy` type has no drop glue.
unsafe impl<T: Copy + NmiSafe> NmiSafe for ObjPool<T> {}

impl<T> ObjPool<T> {
    /// A pool of `nr` objects. `f` makes each from its number. Wraps `objpool_init()`.
    ///
    /// The memory is from vmalloc, distributed over the CPUs: for each possible CPU an array of
    /// pointers for all objects, and the CPU's share of the objects. Each object has one pointer
    /// more.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails. `EINVAL` for 0 objects, for more than [`MAX_OBJECTS`], and
    /// for more than 2 GiB for one CPU, with which `objpool_init()` would write beyond its
    /// allocation. A type larger than [`MAX_SIZE`] or aligned to more than a pointer does not
    /// compile. Nor does a grant with a node.
    #[doc(alias = "objpool_init")]
    #[inline]
    pub fn new<G>(grant: G, nr: usize, mut f: impl FnMut(usize) -> T) -> Result<Self>
    where
        G: Grant<Flags: ForObjPool>,
    {
        Self::build(grant, nr, |number, slot| {
            // SAFETY: `build` passes memory for a `T`.
            unsafe { slot.write(f(number)) };
            Ok(())
        })
    }

    /// As [`ObjPool::new`], with a fallible `f`.
    ///
    /// # Errors
    ///
    /// As [`ObjPool::new`], and the error of `f`. The objects made before are dropped.
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
            // SAFETY: `build` passes memory for a `T`.
            unsafe { slot.write(f(number)?) };
            Ok(())
        })
    }

    /// As [`ObjPool::new`], with objects that are initialised in place.
    ///
    /// # Errors
    ///
    /// As [`ObjPool::new`], and the error of an initialiser. The objects made before are dropped.
    #[inline]
    pub fn init<G, I, E>(grant: G, nr: usize, mut f: impl FnMut(usize) -> I) -> Result<Self>
    where
        G: Grant<Flags: ForObjPool>,
        I: Init<T, E>,
        Error: From<E>,
    {
        Self::build(grant, nr, |number, slot| {
            // SAFETY: `build` passes memory for a `T`, and reads it only after success.
            unsafe { series::raw_try_init(slot, f(number)) }.map_err(Error::from)
        })
    }

    /// Creates the pool. `f` initialises the objects.
    fn build<G>(grant: G, nr: usize, mut f: impl FnMut(usize, *mut T) -> Result) -> Result<Self>
    where
        G: Grant<Flags: ForObjPool>,
    {
        const {
            assert!(
                size_of::<Object<T>>() <= KALLOC_CONST_OBJPOOL_OBJECT_SIZE_MAX,
                "larger than objpool::MAX_SIZE"
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
        // SAFETY: `nr` is not 0, and not too large to be rounded up.
        match unsafe { kalloc_helper_objpool_slot_size(nr as u64, size_of::<Object<T>>() as u64) } {
            size if size > c_int::MAX as u64 => return Err(EINVAL),
            // If vmalloc fails, the kernel tries kmalloc, which warns of such a size.
            size if size > kmalloc::MAX_SIZE as u64 => flags |= KALLOC_CONST___GFP_NOWARN,
            _ => {}
        }

        // SAFETY: kmalloc accepts the flags of `ForObjPool`, and an `Inner` is smaller than a page.
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
        // SAFETY: The `Inner` was written above.
        let head = unsafe { inner.as_ref() }.head.get();
        // SAFETY: `head` is valid and the numbers are in range. The grant proves that the flags are
        // legal in this context. `link` gets `all`, which is valid until the call returns.
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
            // SAFETY: Owned memory of kmalloc, which is not used again.
            unsafe { bindings::kfree(inner.as_ptr().cast()) };
            return Err(error);
        }

        // SAFETY: The pool was initialised above, and the flags are legal in this context.
        let room = to_result(unsafe { kalloc_helper_objpool_make_room(head, flags) });
        if let Err(error) = room {
            // SAFETY: The pool was initialised above, and no object has an owner. The flags of
            // `ForObjPool` imply a context that may sleep.
            unsafe { objpool_free(head) };
            // SAFETY: Owned memory of kmalloc, which is not used again.
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
                    // SAFETY: The objects before `end` are initialised. They are not used again.
                    unsafe { ptr::drop_in_place(&raw mut (*object).value) };
                    // SAFETY: As above.
                    object = unsafe { (*object).node.next.cast() };
                }
                // SAFETY: The pool was initialised above, and no object has an owner. The flags of
                // `ForObjPool` imply a context that may sleep.
                unsafe { objpool_free(head) };
                // SAFETY: Owned memory of kmalloc, which is not used again.
                unsafe { bindings::kfree(inner.as_ptr().cast()) };
                return Err(error);
            }
            // SAFETY: As above.
            object = unsafe { (*object).node.next.cast() };
        }
        // INVARIANT: Each object is once in the rings, and was initialised above.
        Ok(Self(inner, PhantomData))
    }

    #[inline(always)]
    fn inner(&self) -> &Inner {
        // SAFETY: Invariant of `ObjPool`: this holds a reference to the `Inner`.
        unsafe { self.0.as_ref() }
    }

    /// The number of objects of the pool.
    #[inline]
    pub fn capacity(&self) -> usize {
        // SAFETY: The field is not written after the creation of the pool.
        unsafe { (*self.inner().head.get()).nr_objs as usize }
    }

    #[inline(always)]
    fn pop_raw(&self) -> Option<NonNull<Object<T>>> {
        let inner = self.inner();
        // SAFETY: Invariant of `ObjPool`: `head` is initialised.
        let object = unsafe { kalloc_helper_objpool_pop(inner.head.get(), inner.from_nmi.get()) };
        NonNull::new(object.cast())
    }

    /// An object, or `None` if all have owners. Wraps `objpool_pop()`.
    ///
    /// # Context
    ///
    /// Every context.
    #[doc(alias = "objpool_pop")]
    #[inline]
    pub fn pop(&self) -> Option<PoolBox<T, &Self>> {
        // INVARIANT: The object was removed from the pool, and so has no other owner.
        Some(PoolBox {
            object: self.pop_raw()?,
            pool: self,
        })
    }

    /// As [`ObjPool::pop`], with an object that holds a reference to the pool. It may be stored
    /// anywhere. The pool is freed with the last such object.
    ///
    /// The drop of the last object drops the pool, in any context. So a `T` with drop glue does not
    /// compile.
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
                "the last owner drops the objects in any context: their type must not have drop glue"
            )
        };
        let object = self.pop_raw()?;
        self.inner().refs.inc();
        // INVARIANT: The object was removed from the pool. The reference was counted above.
        Some(PoolBox {
            object,
            pool: Self(self.0, PhantomData),
        })
    }

    /// Drops the objects and frees the pool now, or with the last object of [`ObjPool::pop_owned`].
    /// Wraps `objpool_free()`.
    #[doc(alias = "objpool_free")]
    #[inline]
    pub fn free<C: MaySleep>(self, _cx: &C) {
        let this = ManuallyDrop::new(self);
        if this.end() {
            let inner = this.0;
            // SAFETY: The last reference was dropped, so no object has an owner. `C: MaySleep`: the
            // context may sleep.
            unsafe { objpool_free(inner.as_ref().head.get()) };
            // SAFETY: Owned memory of kmalloc, which is not used again.
            unsafe { bindings::kfree(inner.as_ptr().cast()) };
        }
    }

    /// Drops the reference. If it was the last one, drops the objects and returns true.
    #[inline]
    fn end(&self) -> bool {
        if !self.inner().refs.dec_and_test() {
            return false;
        }
        if const { needs_drop::<T>() } {
            while let Some(object) = self.pop_raw() {
                // SAFETY: The object has no owner and is initialised. It is not used again.
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
            // SAFETY: The last reference was dropped, so no object has an owner. `build` reserved
            // space for the `kvfree_rcu_head`s.
            unsafe { kalloc_helper_objpool_free_later(inner.as_ref().head.get()) };
            // SAFETY: Owned memory of kmalloc, which begins with the `kvfree_rcu_head`.
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
    /// The reference of an object to its pool: `&ObjPool<T>` or `ObjPool<T>`.
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

/// An object of a pool. Dropping it returns the object, in every context. Wraps `objpool_push()`.
///
/// `O` is the reference to the pool: `&ObjPool<T>` from [`ObjPool::pop`], `ObjPool<T>` from
/// [`ObjPool::pop_owned`].
///
/// # Invariants
///
/// `object` is an owned, initialised object of the pool of `pool`.
#[doc(alias = "objpool_push")]
pub struct PoolBox<T, O: Owner<T>> {
    object: NonNull<Object<T>>,
    pool: O,
}

// SAFETY: It owns the `T`, and any thread may push an object.
unsafe impl<T: Send, O: Owner<T>> Send for PoolBox<T, O> {}
// SAFETY: A shared one gives only `&T`.
unsafe impl<T: Sync, O: Owner<T>> Sync for PoolBox<T, O> {}

impl<T, O: Owner<T>> Drop for PoolBox<T, O> {
    #[inline]
    fn drop(&mut self) {
        let inner = self.pool.pool().inner();
        // SAFETY: Invariant of `PoolBox`: an owned object of this pool. It is not used again.
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
        // SAFETY: Invariant of `PoolBox`: the object is initialised.
        unsafe { &self.object.as_ref().value }
    }
}

impl<T, O: Owner<T>> DerefMut for PoolBox<T, O> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: Invariant of `PoolBox`: the object is initialised. The box is borrowed
        // exclusively.
        unsafe { &mut self.object.as_mut().value }
    }
}

impl<T: fmt::Debug, O: Owner<T>> fmt::Debug for PoolBox<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
