// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's containers: to and from them without a copy, and with grants.

use core::mem::size_of;
use kalloc::{interop, kmalloc, prelude::*};
use kernel::{
    alloc::{KBox as KernelBox, KVec},
    new_spinlock,
    sync::{Arc, SpinLock},
    types::ForeignOwnable,
    xarray::{AllocKind, XArray},
};
use testlib::{check, check_eq, traced, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_interop":
    boxes_convert_without_a_copy,
    vectors_convert_without_a_copy,
    empty_vectors_lose_nothing,
    foreign_ownable,
    foreign_ownable_of_no_size,
    arc_with_grant,
    kvec_with_grant,
    kvec_too_large_is_an_error,
}

fn boxes_convert_without_a_copy(task: &mut TaskCx) -> Outcome {
    let ours = KBox::new(&task, 7u64)?;
    let ptr = &raw const *ours;
    let (theirs, trace) = traced(|| KernelBox::from(ours));
    check!(core::ptr::eq(&*theirs, ptr) && *theirs == 7 && trace.events().count() == 0);
    let (ours, trace) = traced(|| KBox::from(theirs));
    check!(core::ptr::eq(&*ours, ptr) && *ours == 7 && trace.events().count() == 0);
    let theirs = KernelBox::from(ours);
    let ((), trace) = traced(|| drop(theirs));
    check_eq!(trace.frees(ptr), 1);
    let nothing: KernelBox<()> = KBox::new(&task, ())?.into();
    drop(KBox::from(nothing));
    Ok(())
}

fn vectors_convert_without_a_copy(task: &mut TaskCx) -> Outcome {
    let ours = KBox::from_fn(&task, 10, |i| i)?;
    let ptr = ours.as_ptr();
    let mut theirs = KVec::from(ours);
    check!(theirs.as_ptr() == ptr && theirs.len() == 10 && theirs.capacity() == 10);
    for i in 10..100 {
        theirs.push_with(&task, i)?;
    }
    check!(theirs.capacity() > 100);
    let ptr = theirs.as_ptr();
    let (ours, trace) = traced(|| KBox::from(theirs));
    check!(ours.as_ptr() == ptr && trace.events().count() == 0);
    check!(ours.len() == 100 && ours.iter().enumerate().all(|(i, &value)| value == i));
    let ((), trace) = traced(|| drop(ours));
    check_eq!(trace.frees(ptr), 1);
    Ok(())
}

/// A vector with room but no elements has memory, which a slice of nothing cannot own.
fn empty_vectors_lose_nothing(task: &mut TaskCx) -> Outcome {
    let theirs = KVec::<u64>::with_capacity_with(&task, 8)?;
    let ptr = theirs.as_ptr();
    let (ours, trace) = traced(|| KBox::from(theirs));
    check!(ours.is_empty());
    check_eq!(trace.frees(ptr), 1);
    check!(KVec::from(ours).is_empty());
    Ok(())
}

fn foreign_ownable(task: &mut TaskCx) -> Outcome {
    type Pinned = Pin<KBox<u64>>;

    let foreign = KBox::new(&task, 7u64)?.into_foreign();
    // SAFETY: It comes from `into_foreign`, and nothing else is borrowed of it.
    check_eq!(*unsafe { KBox::<u64>::borrow(foreign) }, 7);
    // SAFETY: As above.
    unsafe { *KBox::<u64>::borrow_mut(foreign) += 1 };
    // SAFETY: It comes from `into_foreign`, and is used for the last time.
    check_eq!(*unsafe { KBox::<u64>::from_foreign(foreign) }, 8);

    let foreign = KBox::pin(&task, 7u64)?.into_foreign();
    // SAFETY: It comes from `into_foreign`, and nothing else is borrowed of it.
    check_eq!(*unsafe { Pinned::borrow(foreign) }, 7);
    // SAFETY: It comes from `into_foreign`, and is used for the last time.
    check_eq!(*unsafe { Pinned::from_foreign(foreign) }, 7);
    Ok(())
}

/// An XArray keeps what is not aligned as it wants for entries of its own.
fn foreign_ownable_of_no_size(task: &mut TaskCx) -> Outcome {
    #[repr(align(2))]
    struct Nothing;

    let foreign = KBox::new(&task, Nothing)?.into_foreign();
    check_eq!(foreign.addr() % KBox::<Nothing>::FOREIGN_ALIGN, 0);
    // SAFETY: It comes from `into_foreign`, and is used for the last time.
    let back = unsafe { KBox::<Nothing>::from_foreign(foreign) };
    check_eq!(back.into_raw(), core::ptr::dangling_mut());
    let array = KBox::pin_init(&task, XArray::<KBox<Nothing>>::new(AllocKind::Alloc))?;
    check!(array
        .lock()
        .store(
            3,
            KBox::new(&task, Nothing)?,
            interop::flags(task.with(GFP_ATOMIC))
        )
        .is_ok());
    Ok(())
}

fn arc_with_grant(task: &mut TaskCx) -> Outcome {
    let (shared, trace) = traced(|| Arc::new_with(task.with(GFP_ATOMIC), [7u64; 8]));
    check_eq!(shared?[7], 7);
    check!(trace
        .events()
        .any(|event| !event.is_free && event.gfp == GfpAtomic::BITS));
    let lock: Arc<SpinLock<u32>> = Arc::pin_init_with(&task, new_spinlock!(1))?;
    check_eq!(
        task.locked(&lock, |value, cx| Arc::new_with(&cx, *value)
            .map(|shared| *shared)
            .ok()),
        Some(1)
    );
    Ok(())
}

fn kvec_with_grant(task: &mut TaskCx) -> Outcome {
    fn flags<R>(f: impl FnOnce() -> R) -> Result<Option<u32>> {
        let (_, trace) = traced(f);
        Ok(trace
            .events()
            .find(|event| !event.is_free)
            .map(|event| event.gfp))
    }
    let seen = [
        flags(|| KVec::<u64>::with_capacity_with(task.with(GFP_ATOMIC), 8).is_ok())?,
        flags(|| {
            KVec::<u64>::new()
                .reserve_with(task.with(GFP_ATOMIC), 8)
                .is_ok()
        })?,
        flags(|| {
            KVec::<u64>::new()
                .push_with(task.with(GFP_ATOMIC), 8)
                .is_ok()
        })?,
        flags(|| {
            KVec::<u64>::new()
                .extend_from_slice_with(task.with(GFP_ATOMIC), &[1, 2])
                .is_ok()
        })?,
    ];
    check_eq!(seen, [Some(GfpAtomic::BITS); 4]);
    let mut list = KVec::new();
    list.extend_from_slice_with(&task, &[1, 2])?;
    list.push_with(&task, 3)?;
    check_eq!(&list[..], &[1, 2, 3]);
    Ok(())
}

/// Where the kernel crate's functions would pass a size above `KMALLOC_MAX_SIZE`, at which the kernel warns.
fn kvec_too_large_is_an_error(task: &mut TaskCx) -> Outcome {
    const MOST: usize = kmalloc::MAX_SIZE / size_of::<u64>();

    check!(KVec::<u64>::with_capacity_with(&task, MOST + 1).is_err());
    let mut list = KVec::<u64>::new();
    check!(list.reserve_with(&task, MOST + 1).is_err());
    check!(list.reserve_with(&task, usize::MAX).is_err());
    check!(list.capacity() == 0);
    // Growing doubles the capacity.
    let mut list = KVec::<u64>::with_capacity_with(&task, MOST / 2 + 1)?;
    list.extend_from_slice_with(&task, &[7; 8])?;
    while list.len() < list.capacity() {
        list.push_with(&task, 7)?;
    }
    check!(list.push_with(&task, 7).is_err());
    check!(list.extend_from_slice_with(&task, &[7; 8]).is_err());
    check_eq!(list.len(), MOST / 2 + 1);
    // A type without size never grows.
    let mut nothing = KVec::<()>::with_capacity_with(&task, usize::MAX)?;
    nothing.push_with(&task, ())?;
    check!(nothing.reserve_with(&task, usize::MAX).is_err());
    Ok(())
}
