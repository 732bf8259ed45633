// SPDX-License-Identifier: GPL-2.0

//! Instructions of each operation: in C, with the kernel crate, and with kalloc.
//!
//! Each side is a function of its own that does the operation in a loop.

use core::{
    arch::asm,
    cell::UnsafeCell,
    mem::{transmute, MaybeUninit},
    ops::Deref,
    pin::Pin,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};
use kalloc::{
    dma::{DmaAddress, DmaPool, DmaPoolRef, FromDevice, MappedRange, Quiesce, Streaming, ToDevice},
    driver::Register,
    mempool::{Mempool, MempoolBox},
    percpu::{new_local_lock, CpuLocal, LocalLock},
    platform,
    prelude::*,
    slab::{
        Args, Cache, Construct, Constructed, ConstructedBox, ConstructedCache, SlabBox, SlabBulk,
    },
};
use kernel::{
    alloc::{
        flags, KBox as KernelBox, KVBox as KernelKVBox, KVec as KernelVec, VBox as KernelVBox,
    },
    bindings,
    device::{Bound, Core, Device},
    error::to_result,
    ffi::c_ulong,
    new_spinlock,
    page::Page,
    sync::SpinLock,
};
use testdevice::PlatformDevice;

#[path = "../lib/testdevice.rs"]
mod testdevice;

/// bench_c.c, as bindgen sees it.
#[allow(
    clippy::all,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    unused_imports
)]
mod c {
    use kernel::ffi;
    include!(env!("KALLOC_BENCH"));
}

type Side = unsafe extern "C" fn(c_ulong);

/// The memory is used, for all that the compiler knows: what `use()` is in C.
#[inline(always)]
fn used<T: ?Sized>(memory: &T) {
    used_at(&raw const *memory);
}

#[inline(always)]
fn used_at<T: ?Sized>(memory: *const T) {
    // SAFETY: No instruction.
    unsafe { asm!("/* {} */", in(reg) memory.cast::<u8>()) }
}

/// As [`used`], of a number in a register.
#[inline(always)]
fn used_number(number: u64) {
    // SAFETY: No instruction.
    unsafe { asm!("/* {} */", in(reg) number) }
}

/// As [`used`], of an address for the device.
#[inline(always)]
fn used_handle(handle: DmaAddress) {
    // SAFETY: No instruction.
    unsafe { asm!("/* {} */", in(reg) handle) }
}

/// A size that the compiler does not know: what `unknown()` is in C.
#[inline(always)]
fn unknown(mut size: usize) -> usize {
    // SAFETY: No instruction.
    unsafe { asm!("/* {} */", inout(reg) size, options(nomem)) }
    size
}

#[cold]
#[inline(never)]
fn failed() {
    // SAFETY: It counts failures.
    unsafe { c::bench_failed() }
}

/// Hands what an operation made to `f`.
#[inline(always)]
fn made<T, E>(result: Result<T, E>, f: impl FnOnce(T)) {
    match result {
        Ok(made) => f(made),
        Err(_) => failed(),
    }
}

/// As [`made`], of what has memory that is then used.
#[inline(always)]
fn boxed<T: Deref, E>(result: Result<T, E>) {
    made(result, |memory| used(&*memory));
}

// What the operations work on ------------------------------------------------------------------------------------------

type Object = MaybeUninit<[u64; 8]>;

#[pin_data]
struct Session {
    #[pin]
    lock: SpinLock<()>,
    id: u64,
}

impl Construct for Session {
    fn construct() -> impl PinInit<Self> {
        pin_init!(Session { lock <- new_spinlock!(()), id: 0 })
    }
}

impl Constructed for Session {
    #[inline]
    fn reset(self: Pin<&mut Self>) {
        *self.project().id = 0;
    }
}

#[pin_data]
struct State {
    #[pin]
    lock: SpinLock<()>,
    pool: ObjPool<Object>,
    counter: PerCpu<CpuLocal<u64>>,
    locals: PerCpu<LocalLock<u64>>,
    device: &'static Device<Bound>,
    dma: DmaDevice<'static>,
    descriptors: DmaPoolRef<'static, [u64; 8]>,
}

/// As the static variables of bench_c.c.
struct Place(UnsafeCell<MaybeUninit<State>>);

// SAFETY: It is written before and after the counting; in between it gives no more than `&State`.
unsafe impl Sync for Place {}

static STATE: Place = Place(UnsafeCell::new(MaybeUninit::uninit()));

/// The state.
///
/// # Safety
///
/// It is counted.
#[inline(always)]
unsafe fn state() -> &'static State {
    // SAFETY: It was initialised before counting, and nobody writes to it.
    unsafe { (*STATE.0.get()).assume_init_ref() }
}

/// Runs `f` while there is a state, for C too.
fn with_state(
    task: &TaskCx,
    pdev: &kernel::platform::Device<Core<'_>>,
    f: impl FnOnce() -> Result,
) -> Result {
    let dma = DmaDevice::set_mask_and_coherent::<64, _>(task, pdev)?;
    // SAFETY: What has it ends here, and the device is bound for longer.
    let dma = unsafe { transmute::<DmaDevice<'_>, DmaDevice<'static>>(dma) };
    // CAST: `Device` is transparent over `struct device`.
    let raw = core::ptr::from_ref(dma.device()).cast_mut().cast();
    // SAFETY: It sleeps, which the task may, and the device is bound.
    to_result(unsafe { c::bench_c_init(raw) })?;
    let init = pin_init!(State {
        descriptors: DmaPool::new(task, dma, c"bench_descriptor")?.share(),
        device: dma.device(),
        dma,
        lock <- new_spinlock!(()),
        pool: ObjPool::new(task, 16, |_| MaybeUninit::uninit())?,
        counter: PerCpu::zeroed(task)?,
        locals: PerCpu::locked(task, new_local_lock!(|_| 0))?,
    }? Error);
    // SAFETY: The place is valid for writes, nobody else uses it, and it does not move.
    let result = unsafe { pin_init::raw_try_init(STATE.0.get().cast::<State>(), init) };
    let result = result.and_then(|()| {
        let result = f();
        // SAFETY: It was initialised above, and is not used again.
        unsafe { (*STATE.0.get()).assume_init_drop() };
        result
    });
    // SAFETY: It was initialised above, and nothing counts.
    unsafe { c::bench_c_exit() };
    result
}

// Rows -----------------------------------------------------------------------------------------------------------------

/// The token of the context that the counting runs in.
macro_rules! cx {
    (raw) => {
        // SAFETY: bench_count() has interrupts off.
        unsafe { RawCx::assume() }
    };
    (task) => {
        // SAFETY: Probe is process context, and uses no other token while it counts.
        unsafe { TaskCx::assume() }
    };
}

/// One side of an operation: a function that does it in a loop.
macro_rules! side {
    ($cx:ident, |$token:ident| $body:expr) => {{
        /// # Safety
        ///
        /// It runs in the context that its token names, while it is counted, and `turns` is not 0.
        #[inline(never)]
        unsafe extern "C" fn side(turns: c_ulong) {
            #[allow(unused_mut, unused_variables)]
            let mut $token = cx!($cx);
            let mut left = turns;
            loop {
                $body;
                left = left.wrapping_sub(1);
                if left == 0 {
                    break;
                }
            }
        }
        Some(side as Side)
    }};
}

/// One side of an operation on a value that is made before all turns, and that each hands to the
/// next.
macro_rules! side_of {
    ($cx:ident, |$token:ident| $before:expr, |$value:ident| $body:expr) => {
        side_of!(@function $cx, $token, |turns| {
            let mut $value = $before;
            let mut left = turns;
            loop {
                $value = $body;
                left = left.wrapping_sub(1);
                if left == 0 {
                    break;
                }
            }
            let _last = $value;
            Ok(())
        })
    };
    (@function $cx:ident, $token:ident, |$turns:ident| $loop:expr) => {{
        /// # Safety
        ///
        /// As of [`side!`].
        #[inline(never)]
        unsafe extern "C" fn side($turns: c_ulong) {
            #[allow(unused_variables)]
            let $token = cx!($cx);
            if (|| -> Result { $loop })().is_err() {
                failed();
            }
        }
        Some(side as Side)
    }};
}

/// The name of the context.
macro_rules! context {
    (raw) => {
        "interrupts off"
    };
    (task) => {
        "process"
    };
}

/// A row of the table. C's side is found by the name.
struct Row {
    name: &'static CStr,
    context: &'static str,
    /// Turns of the loop in a window.
    turns: u32,
    /// Operations in a turn.
    per_turn: u32,
    kernel_alloc: Option<Side>,
    kalloc: Option<Side>,
}

/// `name, context [turns × operations], kernel: |_| …, kalloc: |cx| …`; and where each turn gets a
/// value and has one for the next, `kalloc: |cx| …, |value| …`, of which the first makes it.
macro_rules! rows {
    ($(
        $name:literal, $cx:ident [$turns:literal * $per_turn:literal]
            $(, kernel: |$none:ident| $kernel:expr)?, kalloc: |$token:ident| $kalloc:expr
            $(, |$value:ident| $turn:expr)?;
    )*) => {
        const ROWS: &[Row] = &[$(
            Row {
                name: $name,
                context: context!($cx),
                turns: $turns,
                per_turn: $per_turn,
                kernel_alloc: rows!(@kernel $cx $($none $kernel)?),
                kalloc: rows!(@kalloc $cx |$token| $kalloc $(, |$value| $turn)?),
            },
        )*];
    };
    (@kernel $cx:ident) => { None };
    (@kernel $cx:ident $none:ident $kernel:expr) => { side!($cx, |$none| $kernel) };
    (@kalloc $cx:ident |$token:ident| $kalloc:expr) => { side!($cx, |$token| $kalloc) };
    (@kalloc $cx:ident |$token:ident| $before:expr, |$value:ident| $turn:expr) => {
        side_of!($cx, |$token| $before, |$value| $turn)
    };
}

#[inline(always)]
fn pushed_upstream() -> Result<KernelVec<u64>> {
    let mut elements = KernelVec::new();
    for i in 0..1000 {
        elements.push(i, flags::GFP_ATOMIC)?;
    }
    Ok(elements)
}

#[inline(always)]
fn pushed(cx: &RawCx<'_>) -> Result<KVec<u64>> {
    let mut elements = KVec::new();
    for i in 0..1000 {
        elements.push(cx, i)?;
    }
    Ok(elements)
}

/// What bench_c.c copies, too.
static SOURCE: [u64; 512] = [0; 512];
static BYTES: [u8; 4096] = [0; 4096];

#[inline(always)]
fn inserted_upstream() -> Result<KernelVec<u64>> {
    let source = &SOURCE[..unknown(512)];
    let mut elements = KernelVec::with_capacity(source.len() + 1, flags::GFP_ATOMIC)?;
    elements.extend_from_slice(source, flags::GFP_ATOMIC)?;
    used(&*elements);
    elements.insert_within_capacity(0, 7).map_err(|_| EINVAL)?;
    used(&*elements);
    used(&elements.remove(0).map_err(|_| EINVAL)?);
    Ok(elements)
}

#[inline(always)]
fn inserted(cx: &RawCx<'_>) -> Result<KVec<u64>> {
    let source = &SOURCE[..unknown(512)];
    let mut elements = KVec::with_capacity(cx, source.len() + 1)?;
    elements.extend_from_slice(cx, source)?;
    used(&*elements);
    elements.insert(cx, 0, 7)?;
    used(&*elements);
    used(&elements.remove(0));
    Ok(elements)
}

#[inline(always)]
fn retained_upstream() -> Result<KernelVec<u64>> {
    let mut elements = KernelVec::new();
    elements.extend_from_slice(&SOURCE[..unknown(512)], flags::GFP_ATOMIC)?;
    used(&*elements);
    elements.retain(|element| *element & 1 == 0);
    Ok(elements)
}

#[inline(always)]
fn retained(cx: &RawCx<'_>) -> Result<KVec<u64>> {
    let mut elements = KVec::new();
    elements.extend_from_slice(cx, &SOURCE[..unknown(512)])?;
    used(&*elements);
    elements.retain(|element| *element & 1 == 0);
    Ok(elements)
}

#[inline(always)]
fn extended_upstream<T: Clone>(source: &[T]) -> Result<KernelVec<T>> {
    let mut elements = KernelVec::new();
    elements.extend_from_slice(source, flags::GFP_ATOMIC)?;
    Ok(elements)
}

#[inline(always)]
fn extended<T: Clone>(cx: &RawCx<'_>, source: &[T]) -> Result<KVec<T>> {
    let mut elements = KVec::new();
    elements.extend_from_slice(cx, source)?;
    Ok(elements)
}

/// The device of this benchmark does nothing, so it is never busy. What a driver asks its hardware
/// here, C's driver asks too.
struct Idle(&'static Device<Bound>);

impl Quiesce for Idle {
    #[inline(always)]
    fn device(&self) -> &Device<Bound> {
        self.0
    }

    #[inline(always)]
    fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
        true
    }
}

rows! {
    c"kmalloc, constant size", raw [16 * 1],
        kernel: |_cx| boxed(KernelBox::<[u8; 64]>::new_uninit(flags::GFP_ATOMIC)),
        kalloc: |cx| boxed(KBox::<[u8; 64]>::new_uninit(&cx));
    c"kmalloc, variable size", raw [16 * 1],
        kernel: |_cx| boxed(KernelVec::<u8>::with_capacity(unknown(64), flags::GFP_ATOMIC)),
        kalloc: |cx| boxed(KBox::<[u8]>::new_uninit_slice(&cx, unknown(64)));
    c"kmalloc_array", raw [16 * 1],
        kernel: |_cx| boxed(KernelVec::<u64>::with_capacity(unknown(8), flags::GFP_ATOMIC)),
        kalloc: |cx| boxed(KBox::<[u64]>::new_uninit_slice(&cx, unknown(8)));
    c"kzalloc", raw [16 * 1],
        kernel: |_cx| boxed(KernelBox::<[u8; 64]>::zeroed(flags::GFP_ATOMIC)),
        kalloc: |cx| boxed(KBox::<[u8; 64]>::zeroed(&cx));
    c"kcalloc", raw [16 * 1],
        kernel: |_cx| boxed(KernelVec::<u64>::zeroed(unknown(8), flags::GFP_ATOMIC)),
        kalloc: |cx| boxed(KBox::<[u64]>::zeroed_slice(&cx, unknown(8)));
    c"krealloc, 64 to 1024", raw [16 * 1],
        kernel: |_cx| {
            let mut memory = KernelVec::<u64>::new();
            let mut len = 8;
            while len <= 128 {
                if memory.reserve(unknown(len), flags::GFP_ATOMIC).is_err() {
                    failed();
                    break;
                }
                used(&*memory);
                len *= 2;
            }
        },
        kalloc: |cx| {
            let mut memory = KBox::<[MaybeUninit<u64>]>::empty();
            let mut len = 8;
            while len <= 128 {
                match memory.realloc(&cx, unknown(len)) {
                    Ok(more) => memory = more,
                    Err(_) => {
                        failed();
                        break;
                    }
                }
                used(&*memory);
                len *= 2;
            }
        };
    c"vector, push of 1000", raw [1 * 1],
        kernel: |_cx| boxed(pushed_upstream()),
        kalloc: |cx| boxed(pushed(&cx));
    c"vector, extend by 4 KiB", raw [4 * 1],
        kernel: |_cx| boxed(extended_upstream(&BYTES[..unknown(4096)])),
        kalloc: |cx| boxed(extended(&cx, &BYTES[..unknown(4096)]));
    c"vector, 4 KiB of one value", raw [4 * 1],
        kernel: |_cx| boxed(KernelVec::from_elem(7u8, unknown(4096), flags::GFP_ATOMIC)),
        kalloc: |cx| boxed(KVec::from_elem(&cx, 7u8, unknown(4096)));
    c"vector, insert and remove before 512", raw [1 * 1],
        kernel: |_cx| boxed(inserted_upstream()),
        kalloc: |cx| boxed(inserted(&cx));
    c"vector, retain of 512", raw [1 * 1],
        kernel: |_cx| boxed(retained_upstream()),
        kalloc: |cx| boxed(retained(&cx));
    c"vector, take out 512", raw [1 * 1],
        kernel: |_cx| made(extended_upstream(&SOURCE[..unknown(512)]), |elements| {
            used(&*elements);
            elements.into_iter().for_each(used_number);
        }),
        kalloc: |cx| made(extended(&cx, &SOURCE[..unknown(512)]), |elements| {
            used(&*elements);
            elements.into_iter().for_each(used_number);
        });
    c"kmemdup, 4 KiB", raw [4 * 1],
        kernel: |_cx| boxed(extended_upstream(&BYTES[..unknown(4096)])),
        kalloc: |cx| boxed(KBox::from_slice(&cx, &BYTES[..unknown(4096)]));
    c"vmalloc, 1 MiB", task [1 * 1],
        kernel: |_cx| boxed(KernelVBox::<[u8; 1 << 20]>::new_uninit(flags::GFP_KERNEL)),
        kalloc: |cx| made(VBox::<[u8; 1 << 20]>::new_uninit(&cx), |memory| {
            used(&*memory);
            memory.free(&cx);
        });
    c"kvmalloc, 4 KiB", task [16 * 1],
        kernel: |_cx| boxed(KernelKVBox::<[u8; 4096]>::new_uninit(flags::GFP_KERNEL)),
        kalloc: |cx| made(KVBox::<[u8; 4096]>::new_uninit(&cx), |memory| {
            used(&*memory);
            memory.free(&cx);
        });
    c"kvmalloc, 1 MiB", task [1 * 1],
        kernel: |_cx| boxed(KernelKVBox::<[u8; 1 << 20]>::new_uninit(flags::GFP_KERNEL)),
        kalloc: |cx| made(KVBox::<[u8; 1 << 20]>::new_uninit(&cx), |memory| {
            used(&*memory);
            memory.free(&cx);
        });
    c"pages, order 0", raw [16 * 1],
        kernel: |_cx| made(Page::alloc_page(flags::GFP_ATOMIC), |page| used_at(page.as_ptr())),
        kalloc: |cx| made(Pages::new_uninit(&cx, Order::<0>), |page| used_at(page.as_ptr()));
    c"pages, order 3", raw [16 * 1],
        kalloc: |cx| made(Pages::new_uninit(&cx, Order::<3>), |pages| used_at(pages.as_ptr()));
    c"slab", raw [16 * 1],
        kalloc: |cx| made(SlabBox::new_uninit(&cx, Objects), |object| used(object.as_uninit()));
    c"slab with constructor", raw [16 * 1],
        kalloc: |cx| boxed(ConstructedBox::new(&cx, Sessions));
    c"slab, bulk of 16", task [4 * 16],
        kalloc: |cx| {
            let objects = SlabBulk::<_, 16, _>::from_fn(&cx, Objects, |_| Object::uninit());
            made(objects, |objects| used(&objects));
        };
    c"slab, bulk of 16 for a loop", task [4 * 16],
        kalloc: |cx| {
            let objects = SlabBulk::<_, 16, _>::from_fn(&cx, Objects, |_| Object::uninit());
            made(objects, |objects| used(&objects));
        };
    c"mempool", raw [16 * 1],
        kalloc: |cx| {
            let memory = MempoolBox::try_new_uninit(&cx, Reserve);
            made(memory, |memory| used(memory.as_uninit()));
        };
    c"objpool, pop and push", raw [16 * 1],
        kalloc: |_cx| {
            // SAFETY: It is counted.
            boxed(unsafe { state() }.pool.pop().ok_or(()));
        };
    c"kmalloc_nolock", raw [16 * 1],
        kalloc: |cx| boxed(NolockBox::<[u8; 64]>::new_uninit(&cx));
    c"kmalloc and kfree_rcu", raw [16 * 1],
        kalloc: |cx| boxed(RcuBox::new(&cx, MaybeUninit::<[u64; 6]>::uninit()));
    c"per-CPU increment", raw [16 * 1],
        kalloc: |_cx| {
            // SAFETY: It is counted.
            unsafe { state() }.counter.this_cpu().inc();
        };
    c"spinlock, closure", raw [16 * 1],
        kernel: |_cx| {
            // SAFETY: It is counted.
            drop(unsafe { state() }.lock.lock());
        },
        kalloc: |cx| {
            // SAFETY: It is counted.
            let lock = &unsafe { state() }.lock;
            cx.locked(lock, |(), _cx| ());
        };
    c"spinlock, section!", raw [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            let lock = &unsafe { state() }.lock;
            section!(_held = &mut cx, lock(lock));
        };
    c"kmalloc in a spinlock", raw [16 * 1],
        kernel: |_cx| {
            // SAFETY: It is counted.
            let guard = unsafe { state() }.lock.lock();
            let memory = KernelBox::<[u8; 64]>::new_uninit(flags::GFP_ATOMIC);
            drop(guard);
            boxed(memory);
        },
        kalloc: |cx| {
            // SAFETY: It is counted.
            let lock = &unsafe { state() }.lock;
            boxed(cx.locked(lock, |(), cx| KBox::<[u8; 64]>::new_uninit(&cx)));
        };
    c"kmalloc in a spinlock section!", raw [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            let lock = &unsafe { state() }.lock;
            section!(held = &mut cx, lock(lock));
            let memory = KBox::<[u8; 64]>::new_uninit(&held.cx());
            held.end();
            boxed(memory);
        };
    c"count in a local lock", raw [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            let locals = &unsafe { state() }.locals;
            locals.with(&mut cx, |value, _cx| *value += 1);
        };
    c"kmalloc with interrupts off", raw [16 * 1],
        kalloc: |cx| boxed(cx.irqs_off(|cx| KBox::<[u8; 64]>::new_uninit(&cx)));
    c"devm_kzalloc", raw [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            unsafe { state() }.device
        },
        |device| {
            let memory = Devm::<[u8; 64]>::zeroed(&cx, device)?;
            used(&*memory);
            memory.free(&cx);
            device
        };
    c"dma_alloc_coherent, 4 KiB", task [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            unsafe { state() }.dma
        },
        |dma| {
            let memory = Coherent::<[u8; 4096]>::zeroed(&cx, dma)?;
            used_handle(memory.dma_address());
            memory.free(&cx, &mut Idle(dma.device()))?;
            dma
        };
    c"dma_pool_zalloc", raw [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            let state = unsafe { state() };
            (state.descriptors, state.device)
        },
        |state| {
            let (descriptors, device) = state;
            let block = descriptors.zeroed(&cx)?;
            used_handle(block.dma_address());
            block.free(&mut Idle(device))?;
            (descriptors, device)
        };
    c"dma_map_single, and unmap", raw [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            let dma = unsafe { state() }.dma;
            (dma, KBox::<[u8; 512]>::zeroed(&cx)?)
        },
        |buffer| {
            let (dma, buffer) = buffer;
            let mapped = Streaming::<_, ToDevice>::map(&cx, dma, buffer)?.into_device();
            used_handle(mapped.dma_address());
            (dma, mapped.unmap(&cx, &mut Idle(dma.device()))?)
        };
    c"dma_sync_single, both ways", raw [16 * 1],
        kalloc: |cx| {
            // SAFETY: It is counted.
            let dma = unsafe { state() }.dma;
            let buffer = KBox::<[u8; 512]>::zeroed(&cx)?;
            (dma, Streaming::<_, FromDevice>::map(&cx, dma, buffer)?.sync_for_cpu())
        },
        |ours| {
            let (dma, ours) = ours;
            let theirs = ours.sync_for_device().into_device();
            let buffer = theirs.sync_for_cpu(&mut Idle(dma.device()))?;
            used(&*buffer);
            (dma, buffer)
        };
}

// Counting -------------------------------------------------------------------------------------------------------------

/// C's side of an operation.
fn in_c(name: &CStr) -> Option<Side> {
    // SAFETY: The name ends with NUL.
    unsafe { c::bench_c(name.as_char_ptr()) }
}

/// Instructions of so many turns of each side, where there is one.
fn count<const N: usize>(
    sides: [Option<Side>; N],
    turns: u32,
    irqs_off: bool,
) -> Result<[Option<i64>; N]> {
    let (mut found, mut counts) = ([None; N], [0; N]);
    let mut nr = 0;
    for side in sides.into_iter().flatten() {
        found[nr] = Some(side);
        nr += 1;
    }
    // SAFETY: Both arrays have room for that many, and the functions may be called in this context.
    to_result(unsafe {
        c::bench_count(
            found.as_ptr(),
            counts.as_mut_ptr(),
            nr as u32,
            turns as c_ulong,
            irqs_off,
        )
    })?;
    let mut counts = counts.into_iter();
    Ok(sides.map(|side| side.and_then(|_| counts.next())))
}

/// Counts every row.
fn count_all() -> Result {
    let nothing = side!(raw, |_cx| {
        // SAFETY: No instruction.
        unsafe { asm!("") }
    });
    for row in ROWS {
        let irqs_off = row.context == context!(raw);
        let c = in_c(row.name).ok_or(EINVAL)?;
        let [c_loop, rust_loop] = count([in_c(c"nothing"), nothing], row.turns, irqs_off)?;
        let counts = count([Some(c), row.kernel_alloc, row.kalloc], row.turns, irqs_off)?;
        let [c, kernel_alloc, kalloc] = counts;
        let less = |count: Option<i64>, empty: Option<i64>| Some(count? - empty?);
        pr_info!(
            "row|{}|{}|{}|{}|{}|{}\n",
            row.name,
            row.context,
            row.turns * row.per_turn,
            less(c, c_loop).unwrap_or(-1),
            less(kernel_alloc, rust_loop).unwrap_or(-1),
            less(kalloc, rust_loop).unwrap_or(-1),
        );
    }
    Ok(())
}

/// How the counting ended.
static COUNTED: AtomicI32 = AtomicI32::new(-(bindings::ENODEV as i32));

/// Counts in probe, where there is a device.
struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = ();

    fn probe<'bound>(
        pdev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<(), Error> {
        let result = with_state(task, pdev, count_all);
        COUNTED.store(result.map_or_else(Error::to_errno, |()| 0), Relaxed);
        result
    }
}

struct Bench;

impl kalloc::Module for Bench {
    fn init(module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        // SAFETY: The initialiser runs here, and its result is dropped here, in process context.
        let driver = unsafe { platform::Registration::<Driver>::register(c"bench", module) };
        let _driver = KBox::pin_init(&task, driver)?;
        let _device = PlatformDevice::new(&task, c"bench")?;
        to_result(COUNTED.load(Relaxed))?;
        Ok(Bench)
    }
}

kalloc::module! {
    type: Bench,
    pools: {
        static Objects: Cache<Object> = Args::new(c"bench_object").no_merge();
        static Sessions: ConstructedCache<Session> = Args::new(c"bench_session").no_merge();
        static Reserve: Mempool<Object> = 4;
    },
    name: "bench",
    authors: ["The kalloc authors"],
    description: "kalloc benchmark: instructions of each operation",
    license: "GPL",
}
