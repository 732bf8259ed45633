// SPDX-License-Identifier: GPL-2.0

//! Flags are what C's macros are, and what reaches the kernel.

use kalloc::{gfp::*, prelude::*};
use kernel::bindings::gfp_t;
use kernel::str::CStr;
use testlib::{check, check_eq, traced, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_gfp":
    bits_are_those_of_c,
    order_of_modifiers_does_not_matter,
    tracepoint_sees_default_of_process_context,
    tracepoint_sees_default_of_each_context,
    tracepoint_sees_every_flag,
    tracepoint_sees_node,
    names_are_the_kernels,
}

/// The bits of flags, from a value of their type.
fn bits<F: Gfp>(_: F) -> gfp_t {
    F::BITS
}

fn bits_are_those_of_c(_task: &mut TaskCx) -> Outcome {
    let rows = [
        (c"GFP_KERNEL", bits(GFP_KERNEL)),
        (c"GFP_KERNEL_ACCOUNT", bits(GFP_KERNEL_ACCOUNT)),
        (c"GFP_USER", bits(GFP_USER)),
        (c"GFP_HIGHUSER", bits(GFP_HIGHUSER)),
        (c"GFP_HIGHUSER_MOVABLE", bits(GFP_HIGHUSER_MOVABLE)),
        (c"GFP_NOFS", bits(GFP_NOFS)),
        (c"GFP_NOIO", bits(GFP_NOIO)),
        (c"GFP_ATOMIC", bits(GFP_ATOMIC)),
        (c"GFP_NOWAIT", bits(GFP_NOWAIT)),
        (c"GFP_KERNEL & ~__GFP_RECLAIM", bits(GFP_NORECLAIM)),
        (c"GFP_KERNEL | GFP_DMA", bits(GFP_KERNEL.dma())),
        (c"GFP_KERNEL | GFP_DMA32", bits(GFP_KERNEL.dma32())),
        (c"GFP_KERNEL | __GFP_HIGHMEM", bits(GFP_KERNEL.highmem())),
        (c"GFP_KERNEL | __GFP_NORETRY", bits(GFP_KERNEL.noretry())),
        (
            c"GFP_KERNEL | __GFP_RETRY_MAYFAIL",
            bits(GFP_KERNEL.retry_mayfail()),
        ),
        (c"GFP_KERNEL | __GFP_NOFAIL", bits(GFP_KERNEL.nofail())),
        (c"GFP_KERNEL | __GFP_MOVABLE", bits(GFP_KERNEL.movable())),
        (
            c"GFP_KERNEL | __GFP_RECLAIMABLE",
            bits(GFP_KERNEL.reclaimable()),
        ),
        (c"GFP_KERNEL | __GFP_ZERO", bits(GFP_KERNEL.zeroed())),
        (c"GFP_KERNEL | __GFP_NOWARN", bits(GFP_KERNEL.nowarn())),
        (c"GFP_KERNEL | __GFP_ACCOUNT", bits(GFP_KERNEL.account())),
        (c"GFP_KERNEL | __GFP_THISNODE", bits(GFP_KERNEL.thisnode())),
        (c"GFP_KERNEL | __GFP_COMP", bits(GFP_KERNEL.comp())),
        (c"GFP_KERNEL | __GFP_HARDWALL", bits(GFP_KERNEL.hardwall())),
        (
            c"GFP_KERNEL | __GFP_NOMEMALLOC",
            bits(GFP_KERNEL.nomemalloc()),
        ),
        (c"__GFP_HIGH | __GFP_KSWAPD_RECLAIM", bits(GFP_ATOMIC)),
        (c"__GFP_KSWAPD_RECLAIM | __GFP_NOWARN", bits(GFP_NOWAIT)),
        (c"__GFP_RECLAIM", bits(GFP_NOIO)),
        (c"__GFP_RECLAIM | __GFP_IO", bits(GFP_NOFS)),
        (
            c"__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO | __GFP_FS",
            bits(GFP_KERNEL),
        ),
        (
            c"GFP_ATOMIC | __GFP_ZERO | __GFP_NOWARN",
            bits(GFP_ATOMIC.zeroed().nowarn()),
        ),
    ];
    // SAFETY: It has no preconditions.
    check_eq!(rows.len(), unsafe { testlib::c::testlib_gfp_rows() });
    for (expression, bits) in rows {
        check_eq!((expression, Some(bits)), (expression, in_c(expression)));
    }
    Ok(())
}

/// The value of an expression of GFP flags in C.
fn in_c(expression: &CStr) -> Option<gfp_t> {
    let mut bits = 0;
    // SAFETY: The string ends with NUL and `bits` may be written.
    unsafe { testlib::c::testlib_gfp(expression.as_char_ptr(), &mut bits) }.then_some(bits)
}

fn order_of_modifiers_does_not_matter(_task: &mut TaskCx) -> Outcome {
    check_eq!(
        bits(GFP_KERNEL.zeroed().account()),
        bits(GFP_KERNEL.account().zeroed())
    );
    check_eq!(bits(GFP_KERNEL.account()), bits(GFP_KERNEL_ACCOUNT));
    check_eq!(
        bits(GFP_KERNEL.zeroed().zeroed()),
        bits(GFP_KERNEL.zeroed())
    );
    Ok(())
}

/// What the kernel saw of the box that `f` makes: flags and node.
fn event<T: ?Sized, E>(
    f: impl FnOnce() -> Result<KBox<T>, E>,
) -> Result<(gfp_t, i32), testlib::Stop> {
    let (result, trace) = traced(|| f().map(|memory| (&raw const *memory).cast::<u8>()).ok());
    let event = result.and_then(|ptr| trace.allocation(ptr));
    check!(event.is_some());
    Ok(event.map_or((0, 0), |event| (event.gfp, event.node)))
}

fn seen<T: ?Sized, E>(f: impl FnOnce() -> Result<KBox<T>, E>) -> Result<gfp_t, testlib::Stop> {
    Ok(event(f)?.0)
}

fn node_seen<T: ?Sized, E>(f: impl FnOnce() -> Result<KBox<T>, E>) -> Result<i32, testlib::Stop> {
    Ok(event(f)?.1)
}

fn tracepoint_sees_default_of_process_context(task: &mut TaskCx) -> Outcome {
    check_eq!(seen(|| KBox::new(&task, [0u8; 64]))?, bits(GFP_KERNEL));
    check_eq!(
        seen(|| KBox::<u64>::zeroed(&task))?,
        bits(GFP_KERNEL.zeroed())
    );
    // Variable size, krealloc, and a size above the caches, take other functions of the kernel.
    check_eq!(
        seen(|| KBox::<[u8]>::new_uninit_slice(&task, 100))?,
        bits(GFP_KERNEL)
    );
    check_eq!(
        seen(|| KBox::<[u8]>::empty().resize(&task, 100, 1))?,
        bits(GFP_KERNEL)
    );
    check_eq!(
        seen(|| KBox::<[u8; 32768]>::new_uninit(&task))?,
        bits(GFP_KERNEL)
    );
    Ok(())
}

fn tracepoint_sees_default_of_each_context(task: &mut TaskCx) -> Outcome {
    check_eq!(
        seen(|| task.nofs(|cx| KBox::new(&cx, 1u64)))?,
        bits(GFP_NOFS)
    );
    check_eq!(
        seen(|| task.noio(|cx| KBox::new(&cx, 1u64)))?,
        bits(GFP_NOIO)
    );
    check_eq!(
        seen(|| task.noio(|cx| cx.nofs(|cx| KBox::new(&cx, 1u64))))?,
        bits(GFP_NOIO)
    );
    check_eq!(
        seen(|| task.rcu_read(|_, cx| KBox::new(&cx, 1u64)))?,
        bits(GFP_ATOMIC)
    );
    check_eq!(
        seen(|| KBox::new(&task.as_atomic(), 1u64))?,
        bits(GFP_ATOMIC)
    );
    check_eq!(seen(|| KBox::new(&task.as_irq(), 1u64))?, bits(GFP_ATOMIC));
    #[cfg(not(CONFIG_PREEMPT_RT))]
    check_eq!(
        seen(|| task.irqs_off(|cx| KBox::new(&cx, 1u64)))?,
        bits(GFP_ATOMIC)
    );
    #[cfg(not(CONFIG_PREEMPT_RT))]
    check_eq!(
        seen(|| task.preempt_off(|cx| KBox::new(&cx, 1u64)))?,
        bits(GFP_ATOMIC)
    );
    Ok(())
}

fn tracepoint_sees_every_flag(task: &mut TaskCx) -> Outcome {
    macro_rules! each {
        ($($flags:expr),* $(,)?) => {$(
            check_eq!(
                seen(|| KBox::new(task.with($flags), 1u64))?,
                bits($flags)
            );
        )*};
    }
    each!(
        GfpKernel,
        GfpKernelAccount,
        GfpUser,
        GfpNoFs,
        GfpNoIo,
        GfpAtomic,
        GfpNowait,
        GfpNoReclaim,
        GFP_KERNEL.dma(),
        GFP_KERNEL.noretry(),
        GFP_KERNEL.retry_mayfail(),
        GFP_KERNEL.nofail(),
        GFP_KERNEL.reclaimable(),
        GFP_KERNEL.zeroed(),
        GFP_KERNEL.nowarn(),
        GFP_KERNEL.account(),
        GFP_KERNEL.thisnode(),
        GFP_KERNEL.hardwall(),
        GFP_KERNEL.nomemalloc(),
        GFP_ATOMIC.account().nowarn(),
        GFP_NOWAIT.dma().zeroed(),
        GFP_USER.account().noretry().nowarn(),
    );
    Ok(())
}

fn tracepoint_sees_node(task: &mut TaskCx) -> Outcome {
    let node = Node::local();
    check_eq!(node_seen(|| KBox::new(&task, 1u64))?, -1);
    check_eq!(node_seen(|| KBox::new(task.on(node), 1u64))?, node.id());
    check_eq!(node_seen(|| KBox::<u64>::zeroed(task.on(node)))?, node.id());
    check_eq!(
        node_seen(|| KBox::<[u8]>::new_uninit_slice(task.on(node), 100))?,
        node.id()
    );
    check_eq!(
        node_seen(|| KBox::<[u8; 32768]>::new_uninit(task.on(node)))?,
        node.id()
    );
    check_eq!(
        node_seen(|| KBox::<[u8]>::empty().resize(task.on(node), 100, 1))?,
        node.id()
    );

    let here = KBox::new(task.with(GFP_KERNEL.thisnode()).on(node), 1u64)?;
    // SAFETY: The memory is of kmalloc.
    let nid = unsafe { testlib::c::testlib_node((&raw const *here).cast()) };
    check_eq!(nid, node.id());

    check_eq!(Node::new(-1), Err(EINVAL));
    check_eq!(Node::new(i32::MAX), Err(EINVAL));
    check_eq!(Node::new(63), Err(EINVAL));
    check_eq!(Node::new(node.id()), Ok(node));
    Ok(())
}

fn names_are_the_kernels(task: &mut TaskCx) -> Outcome {
    use kernel::str::CString;
    let name = |names: Names| CString::try_from_fmt(fmt!("{}", names));
    check_eq!(name((&task).flags())?.to_bytes(), b"GFP_KERNEL");
    check_eq!(
        name(task.with(GFP_NOWAIT).flags())?.to_bytes(),
        b"GFP_NOWAIT"
    );
    check_eq!(
        name(task.with(GFP_KERNEL.noretry()).flags())?.to_bytes(),
        b"GFP_KERNEL|__GFP_NORETRY"
    );
    Ok(())
}
