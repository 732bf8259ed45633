// SPDX-License-Identifier: GPL-2.0

//! Instructions of each operation: in C, with `kernel::alloc`, and with kalloc.
//!
//! Each side is one function that is never inlined, called through a pointer. What an empty one costs is subtracted.

use core::arch::asm;
use kalloc::prelude::*;
use kernel::alloc::{KBox as KernelBox, KVec as KernelVec};

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

type Operation = unsafe extern "C" fn();

/// The memory is used, for all that the compiler knows: what `use()` is in C.
#[inline(always)]
fn used<T: ?Sized>(memory: &T) {
    // SAFETY: No instruction.
    unsafe { asm!("/* {} */", in(reg) (&raw const *memory).cast::<u8>()) }
}

/// A size that the compiler does not know: what `unknown()` is in C.
#[inline(always)]
fn unknown(mut size: usize) -> usize {
    // SAFETY: No instruction.
    unsafe { asm!("/* {} */", inout(reg) size, options(nomem)) }
    size
}

/// The token of the context that the counting runs in: interrupts off, or process context.
macro_rules! cx {
    (raw) => {
        // SAFETY: bench_count() has interrupts off.
        unsafe { Raw::assume() }
    };
    (task) => {
        // SAFETY: The module's init is process context, and uses no other token while it counts.
        unsafe { Task::assume() }
    };
}

/// One side of an operation: a function of its own.
macro_rules! side {
    ($cx:ident, |$token:ident| $body:expr) => {{
        /// # Safety
        ///
        /// It runs in the context that its token names.
        #[inline(never)]
        unsafe extern "C" fn side() {
            #[allow(unused_variables)]
            let $token = cx!($cx);
            $body
        }
        Some(side as Operation)
    }};
}

/// A row of the table.
struct Row {
    name: &'static CStr,
    irqs_off: bool,
    kernel_alloc: Option<Operation>,
    kalloc: Option<Operation>,
}

const ROWS: &[Row] = &[
    Row {
        name: c"kmalloc, constant size",
        irqs_off: true,
        kernel_alloc: side!(raw, |cx| {
            if let Ok(memory) = KernelBox::<[u8; 64]>::new_uninit(GFP_ATOMIC) {
                used(&*memory);
            }
        }),
        kalloc: side!(raw, |cx| {
            if let Ok(memory) = KBox::<[u8; 64]>::new_uninit(&cx) {
                used(&*memory);
            }
        }),
    },
    Row {
        name: c"kmalloc, variable size",
        irqs_off: true,
        kernel_alloc: side!(raw, |cx| {
            if let Ok(memory) = KernelVec::<u8>::with_capacity(unknown(64), GFP_ATOMIC) {
                used(&*memory);
            }
        }),
        kalloc: side!(raw, |cx| {
            if let Ok(memory) = KBox::<[u8]>::new_uninit_slice(&cx, unknown(64)) {
                used(&*memory);
            }
        }),
    },
    Row {
        name: c"kzalloc",
        irqs_off: true,
        kernel_alloc: side!(raw, |cx| {
            if let Ok(memory) = KernelBox::<[u8; 64]>::zeroed(GFP_ATOMIC) {
                used(&*memory);
            }
        }),
        kalloc: side!(raw, |cx| {
            if let Ok(memory) = KBox::<[u8; 64]>::zeroed(&cx) {
                used(&*memory);
            }
        }),
    },
    Row {
        name: c"kcalloc",
        irqs_off: true,
        kernel_alloc: None,
        kalloc: side!(raw, |cx| {
            if let Ok(memory) = KBox::<[u64]>::zeroed_slice(&cx, unknown(8)) {
                used(&*memory);
            }
        }),
    },
    Row {
        name: c"krealloc, 64 to 1024",
        irqs_off: true,
        kernel_alloc: None,
        kalloc: side!(raw, |cx| {
            let mut memory = KBox::<[core::mem::MaybeUninit<u8>]>::empty();
            let mut size = 64;
            while size <= 1024 {
                match memory.realloc(&cx, unknown(size)) {
                    Ok(more) => memory = more,
                    Err(_) => return,
                }
                used(&*memory);
                size *= 2;
            }
        }),
    },
];

/// Instructions of 16 calls.
fn count(operation: Operation, irqs_off: bool) -> u64 {
    // SAFETY: The function may be called in the context that bench_count() calls it in.
    unsafe { c::bench_count(Some(operation), irqs_off) }
}

/// C's side of an operation.
fn in_c(name: &CStr) -> Option<Operation> {
    // SAFETY: The name ends with NUL.
    unsafe { c::bench_c(name.as_char_ptr()) }
}

struct Bench;

impl kalloc::Module for Bench {
    fn init(_module: &'static ThisModule, _task: Task) -> Result<Self> {
        let nothing_in_c = in_c(c"nothing").ok_or(EINVAL)?;
        let nothing = side!(raw, |cx| {
            used(&cx);
        })
        .ok_or(EINVAL)?;
        for row in ROWS {
            let side = |operation: Option<Operation>, empty| {
                operation.map_or(-1, |operation| {
                    count(operation, row.irqs_off) as i64 - count(empty, row.irqs_off) as i64
                })
            };
            pr_info!(
                "row|{}|{}|{}|{}|{}\n",
                row.name,
                if row.irqs_off {
                    "interrupts off"
                } else {
                    "process"
                },
                side(in_c(row.name), nothing_in_c),
                side(row.kernel_alloc, nothing),
                side(row.kalloc, nothing),
            );
        }
        Ok(Bench)
    }
}

kalloc::module! {
    type: Bench,
    name: "bench",
    authors: ["The kalloc authors"],
    description: "kalloc benchmark: instructions of each operation",
    license: "GPL",
}
