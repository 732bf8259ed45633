// SPDX-License-Identifier: GPL-2.0

//! Many elements at once.

use super::element::waited_for_nothing;
use super::*;
use crate::{
    alloc::deferred_free::{
        self,
        DropOrLeak, //
    },
    contexts::traits::MayFs,
    memory::pooled::{
        owners,
        PoolRef, //
    },
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

/// `N` elements of a [`Mempool`] with one owner, wraps `mempool_alloc_bulk()` and
/// `mempool_free_bulk()`.
///
/// The kernel asks for `GFP_KERNEL` and waits, so this is for contexts that may. `N` is at most the
/// `BULK` of the pool, below which its reserve never is, and at most [`MAX_BULK`].
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
/// `elements` are from the pool of `owner`, hold a valid `T` each, and are ours alone.
pub struct MempoolBulk<T, const N: usize, O, B = KmallocBacked, const BULK: usize = N>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>>,
{
    elements: [NonNull<c_void>; N],
    owner: DropOrLeak<O>,
    _object: PhantomData<(T, B)>,
}

// SAFETY: It owns the objects, and a pool may be used from every thread.
unsafe impl<T: Send, const N: usize, O, B, const BULK: usize> Send for MempoolBulk<T, N, O, B, BULK>
where
    B: Backing<T>,
    O: PoolRef<Mempool<T, B, BULK>> + Send,
{
}
// SAFETY: Shared, it gives no more than `&T`.
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
    /// `N` elements, each with what `f` makes from its index, wraps `mempool_alloc_bulk()`. Waits
    /// until there are as many.
    ///
    /// More than `BULK` of them or [`MAX_BULK`], or none, do not compile.
    pub fn from_fn<C: MayFs>(_cx: &C, owner: O, mut f: impl FnMut(usize) -> T) -> Self {
        const {
            assert!(N > 0, "a bulk of no elements");
            assert!(N <= MAX_BULK, "a bulk is on the stack: at most 64");
            assert!(
                N <= BULK,
                "a bulk of more elements than the reserve is sure to have"
            );
        };
        let mut elements = [ptr::null_mut(); N];
        // SAFETY: The pool is there, since it has an owner, and has a `min_nr` of at least `N`.
        // There is room for `N` pointers. It allocates with GFP_KERNEL and waits, which the caller
        // may.
        unsafe {
            calls::mempool_alloc_bulk(owner.pool().pool.as_ptr(), elements.as_mut_ptr(), N as u32)
        };
        let elements = elements.map(|element| match NonNull::new(element) {
            Some(element) => element,
            None => waited_for_nothing::<T>(),
        });
        for (index, element) in elements.iter().enumerate() {
            // SAFETY: The pool gave an element of its backing.
            let object = unsafe { B::object(*element) };
            // SAFETY: It has room for a `T`.
            unsafe { object.write(f(index)) };
        }
        // INVARIANT: All were just allocated and initialised.
        Self {
            elements,
            owner: DropOrLeak::new(owner),
            _object: PhantomData,
        }
    }

    /// The objects.
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
        // SAFETY: By the invariant it is an element of a pool with this backing.
        let object = unsafe { B::object(self.elements[index]) };
        // SAFETY: By the invariant it holds a valid `T`.
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
        // SAFETY: By the invariant it is an element of a pool with this backing.
        let mut object = unsafe { B::object(self.elements[index]) };
        // SAFETY: By the invariant it holds a valid `T`, and `self` is borrowed exclusively.
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
                // SAFETY: By the invariant it is an element of a pool with this backing.
                let object = unsafe { B::object(element) };
                // SAFETY: By the invariant it holds a valid `T`, which is not used again.
                unsafe { ptr::drop_in_place(object.as_ptr()) };
            }
        }
        #[cfg_attr(CONFIG_PREEMPT_RT, expect(unused_mut))]
        let mut elements = self.elements.map(NonNull::as_ptr);
        let pool = self.owner.pool().pool.as_ptr();
        // The bulk function takes a sleeping lock, where the elements have to wait one by one.
        #[cfg(CONFIG_PREEMPT_RT)]
        let kept = 0;
        #[cfg(not(CONFIG_PREEMPT_RT))]
        // SAFETY: By the invariant all are elements of this pool, and they are not used again.
        let kept =
            unsafe { deferred_free::mempool_free_bulk(pool, elements.as_mut_ptr(), N as u32) };
        for element in &elements[kept as usize..] {
            // SAFETY: By the invariant an element is not NULL.
            let object = unsafe { NonNull::new_unchecked(*element) };
            // SAFETY: By the invariant it is an element of a pool with this backing.
            let memory = unsafe { B::object(object) };
            // SAFETY: As above; the reserve has not taken this one.
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

owners! {
    {T, B: Backing<T>, const BULK: usize} Mempool<T, B, BULK>;
}
