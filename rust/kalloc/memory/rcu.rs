// SPDX-License-Identifier: GPL-2.0

//! [`RcuBox`]: memory that readers may still use when its owner has dropped it.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`RcuBox::new`] | `kmalloc()` of a struct with a `kvfree_rcu_head` |
//! | drop | `kfree_rcu()`; in NMI `kfree_rcu_nolock()` |
//! | [`RcuBox::free`] | `kfree_rcu_mightsleep()` |
//! | [`RcuBox::read`] | `rcu_dereference()` of a pointer that is known to the caller |
//! | [`RcuCell::load`] | `rcu_dereference()` |
//! | [`RcuCell::swap`] | `rcu_replace_pointer()`, by `xchg()` and so without a lock |
//!
//! Nothing runs at the end of the grace period but the free, so the value has no drop glue: a type
//! that has does not compile.
//!
//! ```
//! use kalloc::prelude::*;
//!
//! #[derive(Clone, Copy)]
//! struct Config { mtu: u32, queues: u32 }
//!
//! fn read(cx: &mut TaskCx, config: &RcuCell<Config>) -> u32 {
//!     cx.rcu_read(|side, _cx| config.load(side).map_or(1500, |config| config.mtu))
//! }
//!
//! fn update(task: &TaskCx, config: &RcuCell<Config>, new: Config) -> Result {
//!     // Readers see the old one or the new one. The old one is freed when none can have it.
//!     drop(config.swap(Some(RcuBox::new(task, new)?)));
//!     Ok(())
//! }
//! ```

use crate::{
    alloc::kmalloc,
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::MaySleep, //
    },
    flags::{
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
        matrix::ForKmalloc, //
    },
    sections::guards::ReadSide, //
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
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    },
};
use kalloc_bindings::*;
use kernel::{
    bindings::{
        self,
        kvfree_rcu_head, //
    },
    error::Error,
    page::PAGE_SIZE,
    prelude::Init, //
};

/// What is allocated.
#[repr(C)]
struct Node<T> {
    /// Of the kernel, once the owner has gone.
    rcu: UnsafeCell<MaybeUninit<kvfree_rcu_head>>,
    value: T,
}

/// A value in memory of kmalloc that is freed a grace period after it was dropped.
///
/// The value is shared with readers and so never changes: to change it, publish another one in an
/// [`RcuCell`].
///
/// It may be dropped in every context, and never sleeps for that.
///
/// # Invariants
///
/// The pointer is to an initialised `Node<T>` in memory of kmalloc that this owns: nobody else frees
/// it, and it is freed a grace period after this is gone.
pub struct RcuBox<T>(NonNull<Node<T>>, PhantomData<T>);

// SAFETY: Readers on other threads may have the `T` when the box moves, and the last of them is as
// if it dropped it.
unsafe impl<T: Send + Sync> Send for RcuBox<T> {}
// SAFETY: A shared box gives no more than `&T`.
unsafe impl<T: Send + Sync> Sync for RcuBox<T> {}

impl<T> RcuBox<T> {
    /// Moves `value` into new memory, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value where there is no memory. A type with drop glue does not compile,
    /// nor does one that with its `kvfree_rcu_head` is larger than [`kmalloc::MAX_SIZE`], and under
    /// `nofail` than a page.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn limits(cx: &AtomicCx<'_>) -> Result<RcuBox<[u32; 4]>> {
    ///     Ok(RcuBox::new(cx, [1, 2, 3, 4])?)
    /// }
    /// ```
    #[inline]
    pub fn new<G>(grant: G, value: T) -> Result<Self, AllocFailedWith<G::Flags, T>>
    where
        G: Grant<Flags: ForKmalloc>,
    {
        let memory = match Self::alloc(grant) {
            Ok(memory) => memory,
            Err(failed) => return Err(AllocFailedWith::new(failed, value)),
        };
        // SAFETY: The memory is valid for writes of a `Node<T>`, aligned because the size of a type
        // is a multiple of its alignment.
        unsafe {
            memory.write(Node {
                rcu: UnsafeCell::new(MaybeUninit::uninit()),
                value,
            })
        };
        // INVARIANT: New memory of kmalloc, just initialised.
        Ok(Self(memory, PhantomData))
    }

    /// Initialises a `T` in new memory, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `init` returns. What does not compile is as in
    /// [`RcuBox::new`].
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn table(task: &TaskCx) -> Result<RcuBox<[u32; 1 << 14]>> {
    ///     RcuBox::init(task, pin_init::init_zeroed::<[u32; 1 << 14]>())
    /// }
    /// ```
    #[inline]
    pub fn init<G, E>(grant: G, init: impl Init<T, E>) -> Result<Self, Error>
    where
        G: Grant<Flags: ForKmalloc>,
        Error: From<E>,
    {
        let memory = Self::alloc(grant)?;
        // SAFETY: The memory is valid for writes of a `Node<T>`, and looked at only after success.
        let initialised =
            unsafe { pin_init::raw_try_init::<T, E>(&raw mut (*memory.as_ptr()).value, init) };
        if let Err(error) = initialised {
            // SAFETY: It is memory of kmalloc that nobody else has.
            unsafe { bindings::kfree(memory.as_ptr().cast()) };
            return Err(error.into());
        }
        // INVARIANT: New memory of kmalloc, just initialised; the head is the kernel's to write.
        Ok(Self(memory, PhantomData))
    }

    /// Memory for a `Node<T>`.
    #[inline(always)]
    fn alloc<G>(grant: G) -> Result<NonNull<Node<T>>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKmalloc>,
    {
        const {
            assert!(
                !needs_drop::<T>(),
                "nothing drops the value when the grace period is over"
            );
            assert!(
                size_of::<Node<T>>() <= kmalloc::MAX_SIZE,
                "larger than KMALLOC_MAX_SIZE"
            );
            assert!(
                !G::Flags::NOFAIL || size_of::<Node<T>>() <= PAGE_SIZE,
                "the kernel keeps the promise of nofail only up to a page"
            );
        };
        // SAFETY: The bounds ask for flags that kmalloc accepts. A node has a size, which was seen to
        // be at most `MAX_SIZE`.
        NonNull::new(unsafe { kmalloc::alloc(grant) }).ok_or_else(G::Flags::failed)
    }

    /// The value, for as long as the RCU read side is held: also when the box is dropped meanwhile.
    ///
    /// ```
    /// use kalloc::prelude::*;
    ///
    /// fn last(task: &mut TaskCx, limit: RcuBox<u32>) -> u32 {
    ///     task.rcu_read(|side, _cx| {
    ///         let value = limit.read(side);
    ///         drop(limit);
    ///         *value
    ///     })
    /// }
    /// ```
    #[inline(always)]
    pub fn read<'g>(&self, _side: &'g ReadSide) -> &'g T {
        // SAFETY: By the invariant it is initialised, and not freed before a grace period has
        // passed, which by its invariant `_side` holds up.
        unsafe { &(*self.0.as_ptr()).value }
    }

    /// Frees the memory after a grace period, wraps `kfree_rcu_mightsleep()`: where the kernel has
    /// no memory to note it, waits for the grace period here.
    ///
    /// The value would be as free after a drop. This is for who frees many, and had better wait than
    /// pile them up.
    #[inline]
    pub fn free<C: MaySleep>(self, _cx: &C) {
        let node = ManuallyDrop::new(self).0;
        // SAFETY: By the invariant it is memory of kmalloc and ours to free. The caller may sleep.
        unsafe { bindings::kvfree_call_rcu(ptr::null_mut(), node.as_ptr().cast()) };
    }

    #[inline(always)]
    fn into_raw(this: Option<Self>) -> *mut Node<T> {
        this.map_or(ptr::null_mut(), |this| ManuallyDrop::new(this).0.as_ptr())
    }

    /// # Safety
    ///
    /// `raw` is NULL, or came from `into_raw` and has no owner since.
    #[inline(always)]
    unsafe fn from_raw(raw: *mut Node<T>) -> Option<Self> {
        // INVARIANT: By the contract of this function.
        Some(Self(NonNull::new(raw)?, PhantomData))
    }
}

impl<T> Drop for RcuBox<T> {
    #[inline]
    fn drop(&mut self) {
        let node = self.0.as_ptr();
        // SAFETY: By the invariant it is memory of kmalloc and ours to free, and the head is at its
        // beginning.
        unsafe { kalloc_helper_kvfree_rcu((*node).rcu.get().cast(), node.cast()) };
    }
}

impl<T> Deref for RcuBox<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: By the invariant.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T: fmt::Debug> fmt::Debug for RcuBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A pointer to an [`RcuBox`] that readers follow while it is replaced.
///
/// # Invariants
///
/// The pointer is NULL, or an [`RcuBox`] that this owns.
pub struct RcuCell<T>(AtomicPtr<Node<T>>, PhantomData<RcuBox<T>>);

// SAFETY: It owns an `RcuBox`.
unsafe impl<T: Send + Sync> Send for RcuCell<T> {}
// SAFETY: Shared it gives `&T` to readers and the box to one owner, on whatever thread.
unsafe impl<T: Send + Sync> Sync for RcuCell<T> {}

// SAFETY: It gives `&T`, and boxes that may be dropped in every context.
unsafe impl<T: NmiSafe> NmiSafe for RcuCell<T> {}

impl<T> RcuCell<T> {
    /// A cell with a value in it.
    #[inline]
    pub fn new(value: RcuBox<T>) -> Self {
        // INVARIANT: The cell owns the box from here on.
        Self(AtomicPtr::new(RcuBox::into_raw(Some(value))), PhantomData)
    }

    /// A cell with nothing in it.
    #[inline]
    pub const fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()), PhantomData)
    }

    /// The value that is in the cell now, for as long as the RCU read side is held; wraps
    /// `rcu_dereference()`.
    ///
    /// Context: every one.
    #[inline(always)]
    pub fn load<'g>(&self, _side: &'g ReadSide) -> Option<&'g T> {
        let node = self.0.load(Ordering::Acquire);
        // SAFETY: By the invariant it is NULL or a box that was in the cell within `_side`, which by
        // its invariant holds up the grace period before it is freed.
        unsafe { node.as_ref() }.map(|node| &node.value)
    }

    /// Puts a box, or nothing, into the cell and gives back what was there; wraps
    /// `rcu_replace_pointer()`.
    ///
    /// Readers may still have the old value. Dropping its box frees it when none can.
    ///
    /// Context: every one.
    #[inline(always)]
    pub fn swap(&self, new: Option<RcuBox<T>>) -> Option<RcuBox<T>> {
        let old = self.0.swap(RcuBox::into_raw(new), Ordering::AcqRel);
        // INVARIANT: The cell owns the new box from here on.
        // SAFETY: By the invariant the cell owned it, and does no more.
        unsafe { RcuBox::from_raw(old) }
    }
}

impl<T> Drop for RcuCell<T> {
    #[inline]
    fn drop(&mut self) {
        drop(self.swap(None));
    }
}

impl<T> fmt::Debug for RcuCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RcuCell")
            .field(&self.0.load(Ordering::Relaxed))
            .finish()
    }
}
