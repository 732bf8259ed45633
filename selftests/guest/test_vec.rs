// SPDX-License-Identifier: GPL-2.0

//! Vectors over each allocator: what grows, what stays, what comes back, and that each element is
//! dropped once.

use core::{
    mem::size_of,
    sync::atomic::{AtomicUsize, Ordering},
};
use kalloc::{kmalloc, prelude::*, vec::InsertError};
use kernel::{
    alloc::{KVVec as KernelKVVec, KVec as KernelKVec, VVec as KernelVVec},
    new_spinlock,
    page::PAGE_SIZE,
};
use testlib::{
    asks_for, c, check, check_eq, check_in_each_atomic_context, refused, traced, Counted,
    DropOrder, Outcome, Stop,
};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_vec":
    push_and_pop,
    memory_is_of_the_allocator,
    growing_doubles,
    growing_ends_at_the_maximum,
    value_comes_back,
    lengths_that_overflow_are_errors,
    nothing_takes_no_memory,
    insert_and_remove,
    extend_and_resize,
    retain_keeps_the_order,
    shrinking,
    iterators,
    drop_runs_once,
    dropped_in_their_order,
    value_comes_back_when_memory_is_short,
    flags_reach_the_kernel,
    in_each_context,
    grows_in_each_atomic_context,
    nonblocking_capacity,
    boxes_and_vectors,
    vectors_convert_without_a_copy,
}

impl<F: Gfp, T> From<InsertError<F, T>> for Stop {
    fn from(error: InsertError<F, T>) -> Self {
        Error::from(error).into()
    }
}

/// More elements of 8 bytes than kmalloc can give memory for.
const MANY: usize = kmalloc::MAX_SIZE / 8 + 1;

fn is_vmalloc<T>(memory: &[T]) -> bool {
    // SAFETY: It has no preconditions.
    unsafe { c::testlib_is_vmalloc(memory.as_ptr().cast()) }
}

fn push_and_pop(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($kind:ident: $len:expr;)*) => {$({
            let mut list = $kind::new();
            for i in 0..$len {
                list.push(&task, i)?;
            }
            check!(list.len() == $len && list.capacity() >= $len);
            check!(list.iter().enumerate().all(|(i, &value)| i == value));
            for i in (0..$len).rev() {
                check_eq!(list.pop(), Some(i));
            }
            check!(list.pop().is_none() && list.is_empty());
        })*};
    }
    each! {
        KVec: 100_000;
        VVec: 1_000_000;
        KVVec: 1_000_000;
    }
    check_eq!(size_of::<KVec<u8>>(), 24);
    Ok(())
}

fn memory_is_of_the_allocator(task: &mut TaskCx) -> Outcome {
    check!(!is_vmalloc(&KVec::from_elem(&task, 0u64, MANY - 1)?));
    check!(is_vmalloc(&VVec::from_elem(&task, 0u64, 1)?));
    let mut list = KVVec::from_elem(&task, 1u64, 8)?;
    check!(!is_vmalloc(&list));
    list.resize(&task, MANY, 2)?;
    check!(is_vmalloc(&list) && list[..8] == [1; 8] && list[MANY - 1] == 2);
    Ok(())
}

/// As the kernel crate's vector does.
fn growing_doubles(task: &mut TaskCx) -> Outcome {
    let (mut ours, mut theirs) = (KVec::new(), KernelKVec::new());
    for i in 0..1000 {
        ours.push(&task, i)?;
        theirs.push_with(&task, i)?;
        check_eq!(ours.capacity(), theirs.capacity());
    }
    ours.reserve(&task, 30)?;
    theirs.reserve_with(&task, 30)?;
    check_eq!(ours.capacity(), theirs.capacity());
    ours.reserve(&task, 3000)?;
    theirs.reserve_with(&task, 3000)?;
    check_eq!(ours.capacity(), theirs.capacity());

    let (list, trace) = traced(|| {
        let mut list = KVec::new();
        while list.len() < 1000 && list.push(&task, 0u64).is_ok() {}
        list
    });
    check_eq!(list.len(), 1000);
    let calls = trace.events().filter(|event| !event.is_free).count();
    check!(calls <= 11);
    Ok(())
}

/// Twice as much may be more than there can be, where one more is not.
fn growing_ends_at_the_maximum(task: &mut TaskCx) -> Outcome {
    let mut list = KVec::<u64>::with_capacity(&task, MANY / 2 + 1)?;
    list.resize(&task, MANY / 2 + 1, 7)?;
    list.push(&task, 8)?;
    check_eq!(list.capacity(), MANY - 1);
    check!(list[0] == 7 && list[MANY / 2 + 1] == 8);
    Ok(())
}

fn value_comes_back(task: &mut TaskCx) -> Outcome {
    let mut list = KVec::with_capacity(&task, MANY - 1)?;
    while list.push_within_capacity(None).is_ok() {}
    check_eq!(list.len(), MANY - 1);
    list[0] = Some(KBox::new(&task, 7u32)?);

    // One more than there can be.
    let Err(failed) = list.push(&task, Some(KBox::new(&task, 8u32)?)) else {
        return Err(Stop::Fail);
    };
    check_eq!(failed.value.as_deref(), Some(&8));
    let Err(back) = list.push_within_capacity(failed.value) else {
        return Err(Stop::Fail);
    };
    check_eq!(back.as_deref(), Some(&8));
    let Err(failed) = list.insert(&task, 5, back) else {
        return Err(Stop::Fail);
    };
    check!(matches!(failed, InsertError::AllocFailed(_)));
    check_eq!(failed.into_value().as_deref(), Some(&8));
    check!(list.reserve(&task, 1).is_err());
    check!(list.len() == MANY - 1 && list[0].as_deref() == Some(&7));

    let mut bytes = KVec::from_elem(&task, 1u8, 10)?;
    check!(bytes.extend_from_slice(&task, &[]).is_ok());
    let failed = bytes.resize(&task, kmalloc::MAX_SIZE + 1, 2);
    check!(failed.is_err_and(|failed| failed.value == 2));
    check_eq!(&bytes[..], &[1; 10]);
    Ok(())
}

fn lengths_that_overflow_are_errors(task: &mut TaskCx) -> Outcome {
    for len in [usize::MAX, usize::MAX / 8 + 1, usize::MAX / 16, 1 << 48] {
        check!(KVec::<u64>::with_capacity(&task, len).is_err());
        check!(VVec::<u64>::with_capacity(&task, len).is_err());
        check!(KVVec::<u64>::with_capacity(&task, len).is_err());
        let mut list = VVec::from_elem(&task, 7u64, 3)?;
        check!(list.reserve(&task, len).is_err());
        check!(list.resize(&task, len, 0).is_err());
        check_eq!(&list[..], &[7; 3]);
    }
    // More than RAM, for which vrealloc would warn.
    // SAFETY: It has no preconditions.
    let ram = unsafe { c::testlib_totalram_pages() as usize } * PAGE_SIZE;
    let mut list = VVec::from_elem(&task, 7u8, PAGE_SIZE)?;
    check!(list.reserve(&task, ram).is_err());
    let mut list = KVVec::from_elem(&task, 7u8, PAGE_SIZE)?;
    check!(list.reserve(&task, ram).is_err());
    check!(list.iter().all(|byte| *byte == 7));
    Ok(())
}

fn nothing_takes_no_memory(task: &mut TaskCx) -> Outcome {
    let (result, trace) = traced(|| -> Outcome {
        let mut list = KVec::new();
        for _ in 0..1000 {
            list.push(&task, ())?;
        }
        check!(list.len() == 1000 && list.capacity() == usize::MAX);
        check_eq!(list.into_boxed_slice().len(), 1000);
        let mut list = VVec::<()>::with_capacity(&task, usize::MAX)?;
        list.resize(&task, usize::MAX, ())?;
        check!(list.push(&task, ()).is_err());
        check_eq!(list.pop(), Some(()));
        check!(KVVec::<u64>::with_capacity(&task, 0)?.is_empty());
        drop(KVec::<u64>::new());
        let mut list = KVec::<u64>::new();
        list.shrink_to_fit(&task)?;
        check!(list.into_boxed_slice().is_empty());
        Ok(())
    });
    result?;
    check_eq!(trace.of_memory(), 0);
    Ok(())
}

fn insert_and_remove(task: &mut TaskCx) -> Outcome {
    let mut list = KVec::new();
    list.insert(&task, 0, 2)?;
    list.insert(&task, 0, 1)?;
    list.insert(&task, 2, 4)?;
    list.insert(&task, 2, 3)?;
    check_eq!(&list[..], &[1, 2, 3, 4]);
    let failed = list.insert(&task, 5, 7);
    check!(matches!(failed, Err(InsertError::OutOfBounds(7))));
    check_eq!(failed.map_err(Error::from).err(), Some(EINVAL));
    check_eq!(list.remove(4), None);
    check_eq!(list.remove(1), Some(2));
    check_eq!(list.remove(2), Some(4));
    check_eq!(list.remove(0), Some(1));
    check_eq!(list.remove(0), Some(3));
    check!(list.is_empty() && list.remove(0).is_none());
    Ok(())
}

fn extend_and_resize(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let count = || drops.swap(0, Ordering::Relaxed);

    let mut list = KVVec::new();
    list.extend_from_slice(&task, &[1u8, 2, 3])?;
    list.extend_from_slice(&task, &[4; 5000])?;
    check!(list.len() == 5003 && list[2] == 3 && list[5002] == 4);

    let mut list = KVec::new();
    list.resize(&task, 5, (Counted(&drops), 1))?;
    check!(count() == 0 && list.len() == 5);
    list.resize(&task, 5, (Counted(&drops), 2))?;
    check_eq!(count(), 1);
    list.resize(&task, 2, (Counted(&drops), 2))?;
    check!(count() == 4 && list.iter().all(|item| item.1 == 1));
    list.truncate(9);
    check!(count() == 0 && list.len() == 2);
    list.clear();
    check!(count() == 2 && list.is_empty() && list.capacity() >= 5);
    Ok(())
}

fn retain_keeps_the_order(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let mut list = KVec::new();
    for i in 0..10 {
        list.push(&task, (Counted(&drops), i))?;
    }
    list.retain(|item| item.1 % 3 == 0);
    check_eq!(drops.load(Ordering::Relaxed), 6);
    check!(list.iter().map(|item| item.1).eq([0, 3, 6, 9]));
    Ok(())
}

fn shrinking(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($kind:ident)*) => {$({
            let mut list = $kind::<u64>::with_capacity(&task, 10_000)?;
            list.extend_from_slice(&task, &[7; 100])?;
            list.shrink_to_fit(&task)?;
            check!(list.capacity() == 100 && list[..] == [7; 100]);
            list.clear();
            list.shrink_to_fit(&task)?;
            check_eq!(list.capacity(), 0);
            list.push(&task, 1)?;
            check_eq!(&list[..], &[1]);
        })*};
    }
    each!(KVec VVec KVVec);
    Ok(())
}

fn iterators(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let mut list = KVec::new();
    for i in 0..10 {
        list.push(&task, (Counted(&drops), i))?;
    }
    for item in &mut list {
        item.1 += 1;
    }
    check_eq!((&list).into_iter().map(|item| item.1).sum::<u32>(), 55);
    let address = list.as_ptr();
    let mut elements = list.into_iter();
    check_eq!(elements.len(), 10);
    check_eq!(elements.next().map(|item| item.1), Some(1));
    check_eq!(drops.load(Ordering::Relaxed), 1);
    let ((), trace) = traced(|| drop(elements));
    check_eq!(drops.load(Ordering::Relaxed), 10);
    check_eq!(trace.frees(address), 1);
    Ok(())
}

fn drop_runs_once(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let count = || drops.swap(0, Ordering::Relaxed);
    let list = |task: &TaskCx| -> Result<KVec<(Counted<'_>, u32)>> {
        Ok(KVec::from_elem(task, (Counted(&drops), 1), 5)?)
    };
    macro_rules! each {
        ($($end:expr),* $(,)?) => {$({
            let list = list(task)?;
            let address = list.as_ptr();
            let ((), trace) = traced(|| ($end)(list));
            check_eq!(count(), 5);
            check_eq!(trace.frees(address), 1);
        })*};
    }
    each!(
        drop,
        |list: KVec<_>| drop(list.into_boxed_slice()),
        |list: KVec<_>| drop(KernelKVec::from(list)),
        |list: KVec<_>| list.into_iter().for_each(drop),
        |list: KVec<_>| {
            let (elements, len, capacity) = list.into_raw_parts();
            // SAFETY: They were just taken out of a vector.
            drop(unsafe { KVec::from_raw_parts(elements, len, capacity) });
        },
    );
    Ok(())
}

fn dropped_in_their_order(task: &mut TaskCx) -> Outcome {
    let order = DropOrder::new();
    let list = |task: &TaskCx| -> Result<KVec<_>, Stop> {
        let mut list = KVec::new();
        for digit in 1..=6 {
            list.push(task, order.digit(digit))?;
        }
        Ok(list)
    };
    drop(list(task)?);
    check_eq!(order.take(), 0x123456);
    drop(list(task)?.into_boxed_slice());
    check_eq!(order.take(), 0x123456);
    let mut some = list(task)?;
    some.truncate(2);
    check_eq!(order.take(), 0x3456);
    some.clear();
    check_eq!(order.take(), 0x12);
    let mut elements = list(task)?.into_iter();
    drop(elements.next());
    drop(elements);
    check_eq!(order.take(), 0x123456);
    Ok(())
}

/// Also where the memory is vmalloc's, of which a test cannot take all.
fn value_comes_back_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($kind:ident, $len:expr => $function:expr;)*) => {$({
            let mut list = $kind::from_elem(&task, [7u64; 8], $len)?;
            while list.push_within_capacity([7; 8]).is_ok() {}
            let len = list.len();
            let pushed = refused($function, || list.push(&task, [8; 8]))?;
            check!(pushed.is_err_and(|failed| failed.value == [8; 8]));
            let inserted = refused($function, || list.insert(&task, 0, [9; 8]))?;
            check!(inserted.is_err_and(|failed| failed.into_value() == [9; 8]));
            let resized = refused($function, || list.resize(&task, 2 * len, [9; 8]))?;
            check!(resized.is_err_and(|failed| failed.value == [9; 8]));
            check!(refused($function, || list.reserve(&task, 1))?.is_err());
            check!(refused($function, || list.extend_from_slice(&task, &[[9; 8]]))?.is_err());
            // The list is what it was, and grows now.
            check!(list.len() == len && list.capacity() == len);
            list.push(&task, [8; 8])?;
            check!(list[..len].iter().all(|element| *element == [7; 8]) && list[len] == [8; 8]);
        })*};
    }
    each! {
        VVec, 1000 => c"vrealloc_node_align_noprof";
        KVVec, 8 => c"kvrealloc_node_align_noprof";
        KVVec, MANY / 8 => c"kvrealloc_node_align_noprof";
        KVec, 8 => c"krealloc_node_align_noprof";
    }
    Ok(())
}

fn flags_reach_the_kernel(task: &mut TaskCx) -> Outcome {
    fn flags<R>(f: impl FnOnce() -> R) -> Result<Option<(u32, i32)>> {
        let (_, trace) = traced(f);
        Ok(trace
            .events()
            .find(|event| !event.is_free)
            .map(|event| (event.gfp, event.node)))
    }
    let expected = Some((GfpAtomic::BITS, -1));
    let mut one = KVec::from_elem(&task, 1u64, 8)?;
    let mut two = KVec::from_elem(&task, 1u64, 8)?;
    let seen = [
        flags(|| KVec::<u64>::with_capacity(task.with(GFP_ATOMIC), 8).is_ok())?,
        flags(|| one.push(task.with(GFP_ATOMIC), 8).is_ok())?,
        flags(|| two.insert(task.with(GFP_ATOMIC), 0, 8).is_ok())?,
        flags(|| KVec::<u64>::new().reserve(task.with(GFP_ATOMIC), 8))?,
        flags(|| KVec::new().extend_from_slice(task.with(GFP_ATOMIC), &[1u64, 2]))?,
        flags(|| KVVec::from_elem(task.with(GFP_KERNEL.nowarn()), 1u64, 2).is_ok())?
            .map(|(gfp, node)| (gfp ^ (GFP_KERNEL.nowarn(), GfpAtomic).bits(), node)),
    ];
    check_eq!(seen, [expected; 6]);
    let node = Node::local();
    check_eq!(
        flags(|| KVec::<u64>::with_capacity(task.on(node), 8).is_ok())?,
        Some((GfpKernel::BITS, node.id()))
    );
    Ok(())
}

/// What two combinations differ in.
trait Differ {
    fn bits(self) -> u32;
}
impl<F: Gfp, G: Gfp> Differ for (F, G) {
    fn bits(self) -> u32 {
        F::BITS ^ G::BITS
    }
}

fn in_each_context(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(KVec::new()))?;
    for i in 0..100 {
        task.locked(&lock, |list, cx| list.push(&cx, i))?;
    }
    check!(task.locked(&lock, |list, _| list.iter().copied().eq(0..100)));
    task.rcu_read(|_, cx| -> Outcome {
        let mut list = KVec::new();
        list.extend_from_slice(&cx, &[1, 2])?;
        check_eq!(&list[..], &[1, 2]);
        Ok(())
    })?;
    task.nofs(|cx| -> Outcome {
        let mut list = VVec::new();
        list.push(&cx, 1u32)?;
        cx.noio(|cx| -> Outcome {
            list.resize(cx.with(GFP_NOIO.nowarn()), MANY, 7)?;
            let mut list = KVVec::from_elem(&cx, 1u64, 1)?;
            list.resize(&cx, MANY, 7)?;
            check!(is_vmalloc(&list));
            Ok(())
        })
    })?;
    // Filled and dropped with a lock held, made before.
    let mut list = VVec::with_capacity(&task, 3)?;
    let filled = KBox::pin_init(
        &task,
        new_spinlock!(Some(VVec::from_elem(&task, 7u64, MANY)?)),
    )?;
    task.locked(&filled, |place, _cx| {
        while list.push_within_capacity(1u8).is_ok() {}
        drop(place.take());
    });
    check_eq!(&list[..], &[1; 3]);
    Ok(())
}

/// Each step asks for its memory there, and with the flags of there. (Elements of less could grow in
/// the memory that they have.)
fn grows_in_each_atomic_context(task: &mut TaskCx) -> Outcome {
    check_in_each_atomic_context!(task, |cx| {
        let mut list = KVec::new();
        let grown = (0..100).all(|i| {
            if list.len() < list.capacity() {
                return list.push(&cx, [i; 16]).is_ok();
            }
            asks_for(
                GfpAtomic::BITS,
                || list.push(&cx, [i; 16]).map(|()| list.as_ptr()),
                |elements| elements.cast(),
            )
        });
        grown && list.iter().copied().eq((0..100).map(|i| [i; 16]))
    });
    Ok(())
}

fn nonblocking_capacity(task: &mut TaskCx) -> Outcome {
    let lock = KBox::pin_init(&task, new_spinlock!(0u32))?;
    let list = task.locked(&lock, |_, cx| -> Result<_, Stop> {
        let mut list = VVec::with_capacity_nonblocking(&cx, MANY)?;
        while list.push_within_capacity(7u64).is_ok() {}
        let mut other = KVVec::with_capacity_nonblocking(cx.with(GFP_NOWAIT), 8)?;
        check!(other.push_within_capacity(1u8).is_ok());
        Ok(list)
    })?;
    check!(list.len() == MANY && is_vmalloc(&list) && list[MANY - 1] == 7);
    Ok(())
}

fn boxes_and_vectors(task: &mut TaskCx) -> Outcome {
    let list = KVec::from_elem(&task, 7u32, 5)?;
    let address = list.as_ptr();
    let (memory, trace) = traced(|| list.into_boxed_slice());
    check!(memory.as_ptr() == address && *memory == [7; 5] && trace.events().count() == 0);
    let mut list = Vec::from(memory);
    check!(list.as_ptr() == address && list.len() == 5 && list.capacity() == 5);
    list.push(&task, 8)?;
    check_eq!(list.len(), 6);

    // A vector with room but no elements has memory, which a slice of nothing cannot own.
    let empty = KVec::<u64>::with_capacity(&task, 8)?;
    let address = empty.as_ptr();
    let (memory, trace) = traced(|| empty.into_boxed_slice());
    check!(memory.is_empty());
    check_eq!(trace.frees(address), 1);

    let memory = VVec::from_elem(&task, 7u8, 100)?.into_boxed_slice();
    check!(memory.resize(&task, 200, 8)?[199] == 8);
    Ok(())
}

fn vectors_convert_without_a_copy(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($ours:ident $theirs:ident)*) => {$({
            let mut list = $ours::with_capacity(&task, 100)?;
            list.extend_from_slice(&task, &[1u64, 2, 3])?;
            let address = list.as_ptr();
            let list = $theirs::from(list);
            check!(list.as_ptr() == address && list.capacity() == 100 && list[..] == [1, 2, 3]);
            let mut list = $ours::from(list);
            check!(list.as_ptr() == address && list.capacity() == 100 && list[..] == [1, 2, 3]);
            list.resize(&task, 1000, 7)?;
            drop($theirs::from(list));

            let list = $theirs::from($ours::<u64>::new());
            check!(list.is_empty());
            check!($ours::from(list).is_empty());
            check_eq!($theirs::from($ours::from_elem(&task, (), 5)?).len(), 5);
        })*};
    }
    each!(KVec KernelKVec VVec KernelVVec KVVec KernelKVVec);
    Ok(())
}
