// SPDX-License-Identifier: GPL-2.0

//! [`RcuBox`]: memory that is freed after an RCU grace period.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h)
//!
//! The page [RCU memory](pages/rcu.html) says more.
//!
//! | kalloc | C |
//! | --- | --- |
//! | [`RcuBox::new`] | `kmalloc()` of a struct with a `kvfree_rcu_head` |
//! | drop | `kfree_rcu()`; in NMI `kfree_rcu_nolock()` |
//! | [`RcuBox::free`] | `kfree_rcu_mightsleep()` |
//! | [`RcuBox::read`] | `rcu_dereference()` of a pointer that the caller has |
//! | [`RcuCell::load`] | `rcu_dereference()` |
//! | [`RcuCell::swap`] | `rcu_replace_pointer()`, by `xchg()` instead of a lock |
//!
//! After the grace period the memory is freed and nothing is dropped, so a type with drop glue does
//! not compile.
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
    alloc::{
        allocator::fits,
        kmalloc, //
    },
    contexts::{
        grant::Grant,
        nmi_safe::NmiSafe,
        traits::MaySleep, //
    },
    flags::{
        allocators::ForKmalloc,
        gfp::{
            AllocFailed,
            AllocFailedWith,
            Gfp, //
        },
    },
    ground::allocator_types::Kmalloc,
    sections::guards::ReadSide,
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
    bindings::{self},
    error::Error,
    prelude::Init, //
};

/// The layout of the allocation.
#[repr(C)]
struct Node<T> {
    /// Used by the kernel after the drop of the box.
    rcu: UnsafeCell<MaybeUninit<kvfree_rcu_head>>,
    value: T,
}

/// A value in memory of kmalloc that is freed one grace period after the drop.
///
/// Readers share the value, so it never changes. To update it, publish another box in an
/// [`RcuCell`].
///
/// # Context
///
/// Dropped in every context. The drop never sleeps.
///
/// # Invariants
///
/// The pointer is to an initialised `Node<T>` in owned memory of kmalloc, which is freed one grace
/// period after the drop of this.
#[doc(alias("kfree_rcu", "kvfree_rcu", "kfree_rcu_nolock"))]
pub struct RcuBox<T>(NonNull<Node<T>>, PhantomData<T>);

// SAFETY: Readers on other threads may use the `T` when the box moves, and after its drop: `T: Sync`
// allows the former, `T: Send` the latter.
unsafe impl<T: Send + Sync> Send for RcuBox<T> {}
// SAFETY: A shared box gives only `&T`.
unsafe impl<T: Send + Sync> Sync for RcuBox<T> {}

impl<T> RcuBox<T> {
    /// Moves `value` into new memory, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// [`AllocFailedWith`] the value if the allocation fails. A type with drop glue does not
    /// compile. Nor does a type that with its `kvfree_rcu_head` is larger than
    /// [`kmalloc::MAX_SIZE`], or with `nofail` larger than a page.
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
        // SAFETY: The memory is valid for writes of a `Node<T>`. It is aligned, since the size of a
        // type is a multiple of its alignment.
        unsafe {
            memory.write(Node {
                rcu: UnsafeCell::new(MaybeUninit::uninit()),
                value,
            })
        };
        // INVARIANT: New memory of kmalloc, initialised above.
        Ok(Self(memory, PhantomData))
    }

    /// Initialises a `T` in new memory, wraps `kmalloc()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if the allocation fails, and the error of `init`. The limits of [`RcuBox::new`]
    /// apply.
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
        // SAFETY: The memory is valid for writes of a `Node<T>`, and is read only after success.
        let initialised =
            unsafe { series::raw_try_init::<T, E>(&raw mut (*memory.as_ptr()).value, init) };
        if let Err(error) = initialised {
            // SAFETY: Owned memory of kmalloc, which is not used again.
            unsafe { bindings::kfree(memory.as_ptr().cast()) };
            return Err(error.into());
        }
        // INVARIANT: New memory of kmalloc, whose value was initialised above. The kernel writes
        // the head.
        Ok(Self(memory, PhantomData))
    }

    /// Allocates memory for a `Node<T>`.
    #[inline(always)]
    fn alloc<G>(grant: G) -> Result<NonNull<Node<T>>, AllocFailed<G::Flags>>
    where
        G: Grant<Flags: ForKmalloc>,
    {
        const {
            assert!(
                !needs_drop::<T>(),
                "the value is not dropped after the grace period: its type must not have drop glue"
            );
            fits::<Node<T>, Kmalloc, G::Flags>();
        };
        // SAFETY: The bounds ask for flags that kmalloc accepts. A node has a size, asserted to be
        // at most `MAX_SIZE`.
        NonNull::new(unsafe { kmalloc::alloc(grant) }).ok_or_else(G::Flags::failed)
    }

    /// The value, for the RCU read-side critical section, even if the box is dropped meanwhile.
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
        // SAFETY: Invariant of `RcuBox`: the value is initialised, and freed only after a grace
        // period. Invariant of `ReadSide`: the grace period does not end before `'g`.
        unsafe { &(*self.0.as_ptr()).value }
    }

    /// Frees the memory after a grace period, wraps `kfree_rcu_mightsleep()`. If the kernel cannot
    /// allocate its bookkeeping, this waits for the grace period.
    ///
    /// A drop also frees the memory. Use this for mass freeing: waiting limits the number of
    /// pending frees.
    #[doc(alias("kfree_rcu_mightsleep", "kvfree_rcu_mightsleep"))]
    #[inline]
    pub fn free<C: MaySleep>(self, _cx: &C) {
        let node = ManuallyDrop::new(self).0;
        // SAFETY: Invariant of `RcuBox`: owned memory of kmalloc. `C: MaySleep`: the context may
        // sleep.
        unsafe { bindings::kvfree_call_rcu(ptr::null_mut(), node.as_ptr().cast()) };
    }

    #[inline(always)]
    fn into_raw(this: Option<Self>) -> *mut Node<T> {
        this.map_or(ptr::null_mut(), |this| ManuallyDrop::new(this).0.as_ptr())
    }

    /// Takes ownership of a pointer from `into_raw`.
    ///
    /// # Safety
    ///
    /// `raw` is NULL, or from `into_raw` and without another owner.
    #[inline(always)]
    unsafe fn from_raw(raw: *mut Node<T>) -> Option<Self> {
        // INVARIANT: `# Safety`: `raw` is from `into_raw` and has no other owner.
        Some(Self(NonNull::new(raw)?, PhantomData))
    }
}

impl<T> Drop for RcuBox<T> {
    #[inline]
    fn drop(&mut self) {
        let node = self.0.as_ptr();
        // SAFETY: Invariant of `RcuBox`: owned memory of kmalloc. The head is at its beginning.
        unsafe { kalloc_helper_kvfree_rcu((*node).rcu.get().cast(), node.cast()) };
    }
}

impl<T> Deref for RcuBox<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: Invariant of `RcuBox`: the node is initialised.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T: fmt::Debug> fmt::Debug for RcuBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A pointer to an [`RcuBox`] that can be replaced while readers follow it.
///
/// # Invariants
///
/// The pointer is NULL, or that of an owned [`RcuBox`].
pub struct RcuCell<T>(AtomicPtr<Node<T>>, PhantomData<RcuBox<T>>);

// SAFETY: It owns an `RcuBox`.
unsafe impl<T: Send + Sync> Send for RcuCell<T> {}
// SAFETY: A shared cell gives `&T` to readers and the box to one owner, on any thread.
unsafe impl<T: Send + Sync> Sync for RcuCell<T> {}

// SAFETY: A shared cell gives `&T`, and boxes that may be dropped in every context.
unsafe impl<T: NmiSafe> NmiSafe for RcuCell<T> {}

impl<T> RcuCell<T> {
    /// A cell that holds `value`.
    #[inline]
    pub fn new(value: RcuBox<T>) -> Self {
        // INVARIANT: The ownership of the box moves to the cell.
        Self(AtomicPtr::new(RcuBox::into_raw(Some(value))), PhantomData)
    }

    /// An empty cell.
    #[inline]
    pub const fn empty() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()), PhantomData)
    }

    /// The current value, for the RCU read-side critical section. Wraps `rcu_dereference()`.
    ///
    /// # Context
    ///
    /// Every context.
    #[doc(alias = "rcu_dereference")]
    #[inline(always)]
    pub fn load<'g>(&self, _side: &'g ReadSide) -> Option<&'g T> {
        // `Acquire`, with the release of `swap`: the reader sees the value. In C the dependency on
        // the pointer is enough. Rust has no ordering for that.
        let node = self.0.load(Ordering::Acquire);
        // SAFETY: Invariant of `RcuCell`: NULL, or a box that was in the cell during the critical
        // section of `_side`. Invariant of `ReadSide`: the grace period of its free does not end
        // before `'g`.
        unsafe { node.as_ref() }.map(|node| &node.value)
    }

    /// Replaces the box, and returns the previous one. Wraps `rcu_replace_pointer()`.
    ///
    /// Readers may still use the old value. Dropping its box frees it after a grace period.
    ///
    /// # Context
    ///
    /// Every context.
    #[doc(alias("rcu_replace_pointer", "rcu_assign_pointer"))]
    #[inline(always)]
    pub fn swap(&self, new: Option<RcuBox<T>>) -> Option<RcuBox<T>> {
        // `AcqRel`: publishes the new value, and acquires the old one, which another CPU may have
        // published. That it comes before the grace period of a free is the guarantee of RCU.
        let old = self.0.swap(RcuBox::into_raw(new), Ordering::AcqRel);
        // INVARIANT: The ownership of the new box moves to the cell.
        // SAFETY: Invariant of `RcuCell`: the cell owned the old box, and has given up the
        // ownership.
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
