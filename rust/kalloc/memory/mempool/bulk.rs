// SPDX-License-Identifier: GPL-2.0

//! [`MempoolBulk`]: bulk allocation and free.

use super::element::null_from_waiting_pool;
use super::*;
use crate::{
    alloc::deferred_free::{
        self,
        DropOrLeak, //
    },
    contexts::traits::MayFs,
    memory::pooled::PoolRef, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::needs_drop,
    ops::{
        Index,
        IndexMut, //
    },
    ptr::{
        self,
        NonNull, //
    },
};
use kalloc_bindings::*;
use kernel::ffi::c_void;

/// `N` elements of a [`Mempool`] with one reference to it, wraps `mempool_alloc_bulk()` and
/// `mempool_free_bulk()`.
///
/// `N` is at most the `BULK` of the pool, and at most [`MAX_BULK`]. `BULK` is a lower bound of the
/// pool's reserve: for more elements than the reserve has, the kernel may wait without end.
///
/// # Context
///
/// The kernel allocates with `GFP_KERNEL` and waits, so allocation is for process context that may
/// sleep, outside memalloc scopes.
///
/// ```
/// use kalloc::{mempool::{Mempool, MempoolBulk, KmallocBacked}, prelude::*};
///
/// fn stripe(task: &TaskCx, pool: &Mempool<[u8; 512], KmallocBacked, 4>) {
///     let mut blocks = MempoolBulk::<_, 4, _, _, 4>::from_fn(task, pool, |_| [0; 512]);
///     blocks[3][0] = 1;
/// }
/// ```
///
/// # Invariants
///
/// `elements` are owned elements from the pool of `pool_ref`. Each holds a valid `T`.
#[doc(alias("mempool_alloc_bulk", "mempool_free_bulk"))]
pub struct MempoolBulk<T, const N: usize, O, B = KmallocBacked, const BULK: usize = N>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    elements: [NonNull<c_void>; N],
    pool_ref: DropOrLeak<O>,
    _object: PhantomData<(T, B)>,
}

// SAFETY: It owns the objects, and any thread may use a pool.
unsafe impl<T: Send, const N: usize, O, B, const BULK: usize> Send for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>> + Send,
{
}
// SAFETY: A shared bulk gives only `&T`.
unsafe impl<T: Sync, const N: usize, O, B, const BULK: usize> Sync for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>> + Sync,
{
}

impl<T, const N: usize, O, B, const BULK: usize> MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    /// `N` elements. `f` makes the object of each from its index. Waits until all are allocated.
    /// Wraps `mempool_alloc_bulk()`.
    ///
    /// `N` of 0, or above `BULK` or [`MAX_BULK`], does not compile.
    pub fn from_fn<C: MayFs>(_cx: &C, pool_ref: O, mut f: impl FnMut(usize) -> T) -> Self {
        const {
            assert!(N > 0, "a bulk of no elements");
            assert!(N <= MAX_BULK, "a bulk is on the stack: at most 64");
            assert!(N <= BULK, "a bulk of more elements than the reserve has");
        };
        let mut elements = [ptr::null_mut(); N];
        // SAFETY: `pool_ref` keeps the pool valid. Invariant of `Mempool`: its `min_nr` is at least
        // `BULK`, and so at least `N`. `elements` has space for `N` pointers. `C: MayFs`: the
        // context may sleep and allocate with `GFP_KERNEL`.
        unsafe {
            calls::mempool_alloc_bulk(
                pool_ref.pool().pool.as_ptr(),
                elements.as_mut_ptr(),
                N as u32,
            )
        };
        let elements = elements.map(|element| match NonNull::new(element) {
            Some(element) => element,
            None => null_from_waiting_pool::<T>(),
        });
        for (index, element) in elements.iter().enumerate() {
            // SAFETY: The element is from a pool with this backing.
            let object = unsafe { B::object(*element) };
            // SAFETY: Contract of `Backing`: the memory is valid for writes of a `T`.
            unsafe { object.write(f(index)) };
        }
        // INVARIANT: All were allocated and initialised above.
        Self {
            elements,
            pool_ref: DropOrLeak::new(pool_ref),
            _object: PhantomData,
        }
    }

    /// Iterates over the objects.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        (0..N).map(|index| &self[index])
    }
}

impl<T, const N: usize, O, B, const BULK: usize> Index<usize> for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    type Output = T;
    #[inline]
    fn index(&self, index: usize) -> &T {
        // SAFETY: Invariant of `MempoolBulk`: an element of a pool with this backing.
        let object = unsafe { B::object(self.elements[index]) };
        // SAFETY: Invariant of `MempoolBulk`: the element holds a valid `T`.
        unsafe { object.as_ref() }
    }
}

impl<T, const N: usize, O, B, const BULK: usize> IndexMut<usize> for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: Invariant of `MempoolBulk`: an element of a pool with this backing.
        let mut object = unsafe { B::object(self.elements[index]) };
        // SAFETY: Invariant of `MempoolBulk`: the element holds a valid `T`. `self` is borrowed
        // exclusively.
        unsafe { object.as_mut() }
    }
}

impl<T, const N: usize, O, B, const BULK: usize> Drop for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    fn drop(&mut self) {
        if const { needs_drop::<T>() } {
            for element in self.elements {
                // SAFETY: Invariant of `MempoolBulk`: an element of a pool with this backing.
                let object = unsafe { B::object(element) };
                // SAFETY: Invariant of `MempoolBulk`: the element holds a valid `T`. It is not used
                // again.
                unsafe { ptr::drop_in_place(object.as_ptr()) };
            }
        }
        #[cfg_attr(CONFIG_PREEMPT_RT, expect(unused_mut))]
        let mut elements = self.elements.map(NonNull::as_ptr);
        let pool = self.pool_ref.pool().pool.as_ptr();
        // The bulk function takes a sleeping lock. On PREEMPT_RT the elements are freed one by one,
        // and may be deferred.
        #[cfg(CONFIG_PREEMPT_RT)]
        let kept = 0;
        #[cfg(not(CONFIG_PREEMPT_RT))]
        let kept = {
            let elements = elements.as_mut_ptr();
            // SAFETY: Invariant of `MempoolBulk`: owned elements of this pool. They are not used again.
            unsafe { deferred_free::mempool_free_bulk(pool, elements, N as u32) }
        };
        for element in &elements[kept as usize..] {
            // SAFETY: Invariant of `MempoolBulk`: an element is not NULL.
            let object = unsafe { NonNull::new_unchecked(*element) };
            // SAFETY: Invariant of `MempoolBulk`: an element of a pool with this backing.
            let memory = unsafe { B::object(object) };
            // SAFETY: An owned element of this pool, not used again. The bulk function has not
            // freed this one.
            unsafe { deferred_free::mempool_free(*element, pool, memory.as_ptr().cast()) };
        }
    }
}

impl<T, const N: usize, O, B, const BULK: usize> fmt::Debug for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MempoolBulk").field("len", &N).finish()
    }
}
