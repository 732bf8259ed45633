// SPDX-License-Identifier: GPL-2.0

//! Boxes: alignment, sizes, contents, growing, failure, and that each is freed once.

use core::{
    mem::{align_of, size_of},
    sync::atomic::{AtomicUsize, Ordering},
};
use kalloc::{kmalloc, prelude::*, size::*};
use testlib::{all_large_memory, check, check_eq, traced, Counted, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_kmalloc":
    tokens_and_boxes_have_the_size_they_promise,
    alignment_of_sizes,
    alignment_of_types,
    zeroed_memory_is_zero,
    dma_memory_is_of_its_zone,
    sizes_up_to_the_maximum,
    one_beyond_the_maximum_is_an_error,
    nothing_takes_no_memory,
    lengths_that_overflow_are_errors,
    value_comes_back_when_memory_is_short,
    realloc_from_nothing_and_to_nothing,
    realloc_keeps_contents,
    resize_drops_and_fills,
    realloc_gives_the_old_memory_back,
    drop_runs_once,
    memory_is_freed_once,
    sensitive_memory_is_overwritten,
    memory_is_reused_by_take,
    pinned_initialisers,
    failing_initialiser_frees,
    flexible_array,
    sizes_do_not_wrap,
    nofail_is_infallible,
}

/// Whether `ptr` is a multiple of `align`.
fn aligned<T: ?Sized>(ptr: &T, align: usize) -> bool {
    (&raw const *ptr).cast::<u8>().addr() % align == 0
}

fn tokens_and_boxes_have_the_size_they_promise(_task: &mut TaskCx) -> Outcome {
    check_eq!(size_of::<TaskCx>(), 0);
    check_eq!(
        size_of::<(
            NoFsCx<'_>,
            NoIoCx<'_>,
            AtomicCx<'_>,
            IrqCx<'_>,
            RawCx<'_>,
            NmiCx<'_>
        )>(),
        0
    );
    check_eq!(size_of::<KBox<[u8; 4096]>>(), 8);
    check_eq!(size_of::<Option<KBox<u32>>>(), 8);
    check_eq!(size_of::<KBox<[u32]>>(), 16);
    Ok(())
}

fn alignment_of_sizes(task: &mut TaskCx) -> Outcome {
    for size in 1..=8192 {
        let memory = KBox::<[u8]>::new_uninit_slice(&task, size)?;
        check!(aligned(&*memory, kmalloc::MIN_ALIGN));
        // A power of two is aligned to itself, any other size to its largest power-of-two divisor.
        check!(aligned(&*memory, size & size.wrapping_neg()));
    }
    for shift in 0..=22 {
        let size = 1usize << shift;
        let memory = KBox::<[u8]>::new_uninit_slice(&task, size)?;
        check!(aligned(&*memory, size.min(kernel::page::PAGE_SIZE << 10)));
    }
    Ok(())
}

fn alignment_of_types(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($align:literal)*) => {$({
            #[repr(align($align))]
            struct Aligned([u8; $align / 2 + 1]);
            let memory = KBox::<Aligned>::new_uninit(&task)?;
            check!(aligned(&*memory, align_of::<Aligned>()));
            // A size of an odd number of alignments.
            let memory = KBox::<[Aligned; 3]>::new_uninit(&task)?;
            check!(aligned(&*memory, align_of::<Aligned>()));
            check_eq!(size_of::<Aligned>(), core::mem::size_of_val(&Aligned([0; $align / 2 + 1]).0).next_multiple_of($align));
        })*};
    }
    each!(2 4 8 16 32 64 128 256 512 1024 2048);
    Ok(())
}

fn zeroed_memory_is_zero(task: &mut TaskCx) -> Outcome {
    // Fill memory of the same cache first, so that zeroes are not there by luck.
    for _ in 0..32 {
        let dirty = KBox::from_fn(&task, 512, |_| 0xa5u8)?;
        check!(dirty.iter().all(|&byte| byte == 0xa5));
        drop(dirty);
        check!(KBox::<[u8; 512]>::zeroed(&task)?
            .iter()
            .all(|&byte| byte == 0));
        check!(KBox::<[u8]>::zeroed_slice(&task, 512)?
            .iter()
            .all(|&byte| byte == 0));
        check!(KBox::<[u64]>::zeroed_slice(task.with(GFP_ATOMIC), 64)?
            .iter()
            .all(|&word| word == 0));
    }
    Ok(())
}

fn dma_memory_is_of_its_zone(task: &mut TaskCx) -> Outcome {
    if cfg!(not(CONFIG_ZONE_DMA)) {
        return Err(testlib::Stop::Skip("no ZONE_DMA"));
    }
    let below = |memory: &[u8]| {
        // SAFETY: It is memory of kmalloc.
        unsafe {
            testlib::c::testlib_phys(memory.as_ptr().cast()) + memory.len() as u64
                <= testlib::ZONE_DMA_END
        }
    };
    check!(below(&*KBox::<[u8; 256]>::zeroed(
        task.with(GFP_KERNEL.dma())
    )?));
    check!(below(&*KBox::<[u8; 32768]>::zeroed(
        task.with(GFP_KERNEL.dma())
    )?));
    check!(below(&KBox::<[u8]>::zeroed_slice(
        task.with(GFP_ATOMIC.dma()),
        4096
    )?));
    // On x86 it is not so by luck.
    check!(cfg!(not(CONFIG_X86)) || !below(&KBox::<[u8]>::zeroed_slice(&task, 4096)?));
    Ok(())
}

fn sizes_up_to_the_maximum(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($size:literal)*) => {$(
            // A size that is known at build time, and the same size that is not.
            let mut memory = KBox::<[u8; $size]>::zeroed(&task)?;
            memory[$size - 1] = 1;
            let mut slice = KBox::<[u8]>::zeroed_slice(&task, $size)?;
            slice[$size - 1] = 1;
            check_eq!(&memory[..], &slice[..]);
        )*};
    }
    each!(1 8 9 16 17 32 64 65 96 97 128 129 192 193 256 512 1024 2048 4096 8192 8193 16384 65536 1048576 4194304);
    check_eq!(
        kmalloc::MAX_SIZE,
        kernel::page::PAGE_SIZE << max_page_order()
    );
    Ok(())
}

fn max_page_order() -> u32 {
    // SAFETY: It has no preconditions.
    unsafe { testlib::c::testlib_max_page_order() }
}

/// Errors that never reach the kernel, which would warn.
fn one_beyond_the_maximum_is_an_error(task: &mut TaskCx) -> Outcome {
    check!(KBox::<[u8]>::new_uninit_slice(&task, kmalloc::MAX_SIZE + 1).is_err());
    check!(KBox::<[u8]>::zeroed_slice(&task, kmalloc::MAX_SIZE + 1).is_err());
    check!(KBox::<[u64]>::new_uninit_slice(&task, kmalloc::MAX_SIZE / 8 + 1).is_err());
    check!(KBox::<[u8]>::empty()
        .resize(&task, kmalloc::MAX_SIZE + 1, 0)
        .is_err());
    check!(Flex::new(&task, 0u8, kmalloc::MAX_SIZE, |_| 0u8).is_err());
    check_eq!(
        KBox::<[u8]>::new_uninit_slice(&task, kmalloc::MAX_SIZE + 1)
            .map_err(Error::from)
            .err(),
        Some(ENOMEM)
    );
    Ok(())
}

/// C returns `ZERO_SIZE_PTR`, and `kfree()` ignores that and NULL, and every address up to there.
fn nothing_takes_no_memory(task: &mut TaskCx) -> Outcome {
    #[repr(align(64))]
    struct Nothing;
    #[derive(Clone)]
    #[repr(align(64))]
    struct Line([u8; 64]);

    let (result, trace) = traced(|| -> Outcome {
        check!(aligned(&*KBox::new(&task, Nothing)?, 64));
        check!(aligned(
            &*KBox::<[Nothing]>::new_uninit_slice(&task, 1000)?,
            64
        ));
        check!(KBox::<[u64]>::zeroed_slice(&task, 0)?.is_empty());
        check!(KBox::<[u64]>::from_slice(&task, &[])?.is_empty());
        check!(KBox::<[u64]>::empty().resize(&task, 0, 1)?.is_empty());
        // At an address that `kfree()` would look at.
        let lines = KBox::from_fn(&task, 0, |_| Line([0; 64]))?;
        check!(aligned(&*lines, 64) && lines.iter().all(|line| line.0 == [0; 64]));
        check!(lines.resize(&task, 0, Line([0; 64]))?.is_empty());
        check!(Flex::new(&task, (), 0, |_| Line([0; 64]))?.items.is_empty());
        check_eq!(
            KBox::<[()]>::new_uninit_slice(&task, usize::MAX)?.len(),
            usize::MAX
        );
        KBox::<[u64]>::empty().free_sensitive();
        Ok(())
    });
    result?;
    check_eq!(trace.of_memory(), 0);
    Ok(())
}

fn lengths_that_overflow_are_errors(task: &mut TaskCx) -> Outcome {
    for len in [
        usize::MAX,
        usize::MAX / 8 + 1,
        usize::MAX / 16,
        isize::MAX as usize,
    ] {
        check!(KBox::<[u64]>::new_uninit_slice(&task, len).is_err());
        check!(KBox::<[u64]>::zeroed_slice(&task, len).is_err());
        check!(KBox::from_fn(&task, len, |i| i).is_err());
        check!(Flex::new(&task, 0u64, len, |i| i).is_err());
        let old = KBox::from_fn(&task, 4, |i| i)?;
        let Err(failed) = old.resize(&task, len, 0) else {
            return Err(testlib::Stop::Fail);
        };
        check_eq!(&*failed.value, &[0, 1, 2, 3]);
    }
    Ok(())
}

fn value_comes_back_when_memory_is_short(task: &mut TaskCx) -> Outcome {
    struct Node {
        next: Option<KBox<Node>>,
        body: [u8; 1000],
    }

    let hoard = all_large_memory(task)?;
    let mut list = None;
    let back = loop {
        let node = Node {
            next: list.take(),
            body: [7; 1000],
        };
        match KBox::new(task.with(GFP_NORECLAIM.nowarn()), node) {
            Ok(node) => list = Some(node),
            Err(failed) => break failed.value,
        }
    };
    drop(hoard);
    let mut len = 0;
    let mut next = back.next;
    while let Some(node) = next {
        len += usize::from(node.body == [7; 1000]);
        next = node.into_inner().next;
    }
    check!(back.body == [7; 1000] && len > 0);
    // The failure was that of the moment.
    check!(KBox::<[u8; 1000]>::zeroed(task.with(GFP_NORECLAIM.nowarn())).is_ok());
    Ok(())
}

fn realloc_from_nothing_and_to_nothing(task: &mut TaskCx) -> Outcome {
    let grown = KBox::empty().resize(&task, 100, 7u8)?;
    check!(grown.len() == 100 && grown.iter().all(|&byte| byte == 7));
    let ptr = grown.as_ptr();
    let (result, trace) = traced(|| grown.resize(&task, 0, 0));
    check!(result?.is_empty());
    check_eq!(trace.frees(ptr), 1);
    Ok(())
}

fn realloc_keeps_contents(task: &mut TaskCx) -> Outcome {
    let mut data = KBox::from_fn(&task, 1, |i| i)?;
    for len in [
        2, 3, 8, 9, 64, 65, 500, 512, 513, 1025, 5000, 70_000, 5000, 100, 17, 3, 1,
    ] {
        let kept = data.len().min(len);
        data = data.resize(&task, len, usize::MAX)?;
        check_eq!(data.len(), len);
        check!(data[..kept.min(1)]
            .iter()
            .enumerate()
            .all(|(i, &value)| value == i));
        check!(data[kept..].iter().all(|&value| value == usize::MAX));
        for (i, value) in data.iter_mut().enumerate() {
            *value = i;
        }
    }
    Ok(())
}

fn resize_drops_and_fills(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let data = KBox::from_fn(&task, 10, |_| Counted(&drops))?;
    // The value that fills is dropped too, when nothing is to be filled.
    let data = data.resize(&task, 4, Counted(&drops))?;
    check_eq!(drops.load(Ordering::Relaxed), 6 + 1);
    let data = data.resize(&task, 20, Counted(&drops))?;
    check_eq!(drops.load(Ordering::Relaxed), 6 + 1 + 1);
    drop(data);
    check_eq!(drops.load(Ordering::Relaxed), 6 + 1 + 1 + 20);
    Ok(())
}

fn realloc_gives_the_old_memory_back(task: &mut TaskCx) -> Outcome {
    let data = KBox::from_fn(&task, 64, |i| i as u8)?;
    let ptr = data.as_ptr();
    let hoard = all_large_memory(task)?;
    let Err(failed) = data.resize(task.with(GFP_NORECLAIM.nowarn()), kmalloc::MAX_SIZE, 0) else {
        return Err(testlib::Stop::Fail);
    };
    drop(hoard);
    check_eq!(failed.value.as_ptr(), ptr);
    check!(
        failed.value.len() == 64
            && failed
                .value
                .iter()
                .enumerate()
                .all(|(i, &byte)| byte == i as u8)
    );
    Ok(())
}

fn drop_runs_once(task: &mut TaskCx) -> Outcome {
    let drops = AtomicUsize::new(0);
    let count = || drops.swap(0, Ordering::Relaxed);

    drop(KBox::new(&task, Counted(&drops))?);
    check_eq!(count(), 1);
    drop(KBox::new(&task, Counted(&drops))?.into_inner());
    check_eq!(count(), 1);
    KBox::new(&task, Counted(&drops))?.free_sensitive();
    check_eq!(count(), 1);
    drop(KBox::pin(&task, Counted(&drops))?);
    check_eq!(count(), 1);
    drop(KBox::from_fn(&task, 5, |_| Counted(&drops))?);
    check_eq!(count(), 5);
    drop(KBox::<Counted<'_>>::new_uninit(&task)?);
    check_eq!(count(), 0);
    drop(Flex::new(&task, Counted(&drops), 3, |_| Counted(&drops))?);
    check_eq!(count(), 4);
    Ok(())
}

fn memory_is_freed_once(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($memory:expr => $end:expr),* $(,)?) => {$({
            let memory = $memory;
            let ptr = &raw const *memory;
            let ((), trace) = traced(|| ($end)(memory));
            check_eq!(trace.frees(ptr), 1);
        })*};
    }
    each!(
        KBox::new(&task, 1u64)? => drop,
        KBox::new(&task, 1u64)? => |memory| { KBox::into_inner(memory); },
        KBox::new(&task, 1u64)? => KBox::free_sensitive,
        KBox::<[u8; 32768]>::zeroed(&task)? => drop,
        KBox::from_fn(&task, 100, |i| i)? => drop,
        KBox::<[u64]>::new_uninit_slice(&task, 100)? => drop,
        Flex::new(&task, 1u8, 100, |_| 2u8)? => drop,
    );
    Ok(())
}

fn sensitive_memory_is_overwritten(task: &mut TaskCx) -> Outcome {
    let key = KBox::from_fn(&task, 64, |_| 0x5au8)?;
    let ptr = key.as_ptr();
    let ((), trace) = traced(|| key.free_sensitive());
    check_eq!(trace.frees(ptr), 1);
    check!(!testlib::freed_memory_begins_with(ptr, 0x5a));
    Ok(())
}

fn memory_is_reused_by_take(task: &mut TaskCx) -> Outcome {
    let first = KBox::new(&task, 1u64)?;
    let ptr = &raw const *first;
    let (result, trace) = traced(|| {
        let (value, memory) = first.take();
        memory.write(value + 1)
    });
    check_eq!(*result, 2);
    check!(core::ptr::eq(&*result, ptr));
    check_eq!(trace.events().count(), 0);
    Ok(())
}

fn pinned_initialisers(task: &mut TaskCx) -> Outcome {
    use kernel::{new_spinlock, sync::SpinLock};

    #[pin_data]
    struct Pinned {
        value: u32,
        #[pin]
        lock: SpinLock<u32>,
    }
    let init = || {
        pin_init!(Pinned {
            value: 1,
            lock <- new_spinlock!(2),
        })
    };
    let pinned = KBox::pin_init(&task, init())?;
    check_eq!(
        pinned.value + task.locked(&pinned.lock, |value, _| *value),
        3
    );
    let Ok(pinned) = KBox::<Pinned>::new_uninit(&task)?.write_pin_init(init());
    check_eq!(pinned.value, 1);
    check_eq!(*KBox::init::<_, Error>(&task, Ok(7u32))?, 7);
    check_eq!(*KBox::try_init::<_, Error>(&task, Ok(7u32))?, 7);
    Ok(())
}

fn failing_initialiser_frees(task: &mut TaskCx) -> Outcome {
    let (result, trace) = traced(|| KBox::try_init(&task, Err::<[u64; 8], Error>(EBUSY)).err());
    check_eq!(result, Some(EBUSY));
    let allocated = trace
        .events()
        .find(|event| !event.is_free && event.size == 64);
    check_eq!(allocated.map(|event| trace.frees(event.ptr)), Some(1));
    Ok(())
}

fn flexible_array(task: &mut TaskCx) -> Outcome {
    for len in [0, 1, 2, 7, 100, 5000] {
        let mut message = Flex::new(&task, 0x1234_5678_9abc_def0u64, len, |i| i as u16)?;
        check_eq!(message.items.len(), len);
        check!(message
            .items
            .iter()
            .enumerate()
            .all(|(i, &item)| item == i as u16));
        message.items.fill(0xffff);
        check_eq!(message.header, 0x1234_5678_9abc_def0);
        check_eq!(size_of_val(&*message), struct_size::<u64, u16>(len)?);
    }
    check_eq!(Flex::new(&task, (), 0, |_| ())?.items.len(), 0);
    Ok(())
}

fn sizes_do_not_wrap(_task: &mut TaskCx) -> Outcome {
    check_eq!(array_size(usize::MAX, 1), Ok(usize::MAX));
    check_eq!(array_size(usize::MAX, 2), Err(Overflow));
    check_eq!(array3_size(1 << 32, 1 << 31, 1), Ok(1 << 63));
    check_eq!(array3_size(1 << 32, 1 << 32, 1), Err(Overflow));
    check_eq!(array3_size(1 << 32, 1 << 31, 2), Err(Overflow));
    check_eq!(struct_size::<u8, u8>(usize::MAX - 1), Ok(usize::MAX));
    check_eq!(struct_size::<u8, u8>(usize::MAX), Err(Overflow));
    check_eq!(struct_size::<u64, u8>(usize::MAX - 8), Err(Overflow));
    check_eq!(Error::from(Overflow), EOVERFLOW);
    Ok(())
}

fn nofail_is_infallible(task: &mut TaskCx) -> Outcome {
    let Ok(memory) = KBox::new(task.with(GFP_KERNEL.nofail()), 7u32);
    let Ok(page) = KBox::<[u8; 4096]>::zeroed(task.with(GFP_KERNEL.nofail()));
    check!(*memory == 7 && page.iter().all(|&byte| byte == 0));
    Ok(())
}
