// SPDX-License-Identifier: GPL-2.0

//! The memory-allocation APIs of the Linux kernel, in types that turn sleeping in atomic context,
//! wrong GFP flags and lost frees into compile errors.
//!
//! Every allocating function takes a [grant](gfp): flags, as a type, that the [context] of the
//! caller permits. Code in an atomic context cannot name a grant that sleeps. The kernel's entry
//! into the driver, here a module's init, provides a token of the context:
//!
//! ```
//! use kalloc::prelude::*;
//! use kernel::{new_spinlock, sync::SpinLock};
//!
//! fn example(task: &mut TaskCx, lock: &SpinLock<u32>) -> Result {
//!     let _sleeps = KBox::new(&task, 1u32)?; // GFP_KERNEL
//!     task.locked(lock, |data, cx| -> Result {
//!         let _does_not = KBox::new(&cx, *data)?; // GFP_ATOMIC
//!         Ok(())
//!     })
//! }
//! ```
//!
//! The pages [Tutorial: a PCI driver, step by step](pages/driver.html) and
//! [From C to Rust](pages/c.html) say more.

// The layers, lowest first. A layer imports only from those before it in this list:
// selftests/host/layers.sh checks.

// What differs between the series of kernels, under the names of the newest one.
#[cfg_attr(kalloc_series = "7.2", path = "../series/7.2/kernel.rs")]
#[cfg_attr(kalloc_series = "7.3", path = "../series/7.3/kernel.rs")]
mod series;

mod ground {
    pub(crate) mod allocator_types;
    pub(crate) mod field;
    pub(crate) mod layout;
    pub mod node;
    pub(crate) mod sealed;
}

mod arch {
    // The x86 file inlines `local_irq_save()` as C does. With these options C does not inline it,
    // or adds code, so the helper is called.
    #[cfg_attr(
        all(
            CONFIG_PARAVIRT_XXL,
            not(any(
                CONFIG_TRACE_IRQFLAGS,
                CONFIG_DEBUG_IRQFLAGS,
                CONFIG_ZERO_CALL_USED_REGS,
                CONFIG_FRAME_POINTER
            ))
        ),
        path = "x86/irqflags.rs"
    )]
    pub(crate) mod irqflags;
    #[cfg_attr(CONFIG_X86, path = "x86/nmi.rs")]
    pub(crate) mod nmi;
}

mod flags {
    pub(crate) mod allocators;
    pub(crate) mod bases;
    pub(crate) mod gfp;
    pub(crate) mod modifiers;
    pub(crate) mod page_kind;
    pub(crate) mod properties;
}

mod contexts {
    #[cfg(CONFIG_PREEMPT_COUNT)]
    pub mod checked;
    pub(crate) mod grant;
    pub(crate) mod nmi_safe;
    pub(crate) mod tokens;
    pub(crate) mod traits;
}

mod sections {
    pub(crate) mod disable;
    pub mod enter;
    pub(crate) mod guards;
    pub(crate) mod lock;
    pub(crate) mod raw_spinlock;
    pub(crate) mod rcu;
    pub(crate) mod rwlock;
    pub(crate) mod scope;
    pub(crate) mod section;
    pub(crate) mod spinlock;
    pub(crate) mod wait;
}

mod alloc {
    pub mod allocator;
    pub(crate) mod deferred_free;
    pub mod kmalloc;
    pub mod kvmalloc;
    pub mod vmalloc;
}

mod memory {
    pub mod boxed;
    pub mod interop;
    pub mod mempool;
    pub mod nolock;
    pub mod objpool;
    pub mod page;
    pub mod percpu;
    pub mod pooled;
    pub mod rcu;
    pub mod size;
    pub mod slab;
    pub mod vec;
}

mod devices {
    pub mod devm;
    pub mod dma;
}

mod entry {
    pub(crate) mod callbacks;
    pub mod in_flight;
    pub mod kthread;
    pub mod miscdevice;
    pub(crate) mod module;
    pub mod nmi;
    pub(crate) mod pools;
    pub mod work;

    pub(crate) mod bus {
        mod bound_scope;
        pub mod driver;
        pub(crate) mod irq_request;
        #[cfg(CONFIG_PCI)]
        pub(crate) mod irq_vectors;
        mod loan;
        #[cfg(CONFIG_PCI)]
        pub mod pci;
        pub mod platform;
        mod register;
    }

    pub(crate) mod timer {
        pub mod hrtimer;
        pub mod irq_work;
        // Named as the C header.
        #[allow(clippy::module_inception)]
        pub mod timer;
    }
}

mod facade;
pub mod prelude;

pub use entry::module::{
    InPlaceModule,
    Module, //
};
pub use facade::*;

/// The names that exported macros use. Not for drivers.
///
/// A driver can have a crate of its own named `kernel` or `core`, so the macros use these paths.
#[doc(hidden)]
pub mod __macro {
    pub use crate::{
        contexts::{
            nmi_safe::{
                nmi_safe,
                NmiSafe, //
            },
            tokens::TaskCx, //
        },
        entry::{
            module::{
                of_the_prelude,
                Root,
                Spec, //
            },
            pools::{
                pool,
                ModuleStatic,
                ModuleStaticRef,
                PoolName,
                StaticPool, //
            },
            work::{
                BhWork,
                DelayedWork,
                HasDelayedWork,
                HasWork,
                Work, //
            },
        },
        ground::field::{
            exact,
            Exact,
            Field, //
        },
        memory::{
            pooled::ForModule,
            slab::name, //
        },
        sections::{
            enter,
            section::Slot, //
        },
    };
    pub use ::core;

    /// Item by item: after a glob import the compiler would name the kernel crate's types by this
    /// path.
    pub mod kernel {
        pub use kernel::{
            c_str,
            error,
            optional_name,
            prelude::module,
            static_lock_class,
            Module,
            ModuleMetadata,
            ThisModule, //
        };
    }
}

/// The module of this crate. On unload it waits for deferred work: first for callbacks, which drop
/// values of drivers, then for deferred frees.
struct Kalloc {
    _callback_wq: entry::callbacks::CallbackWq,
    _deferred: alloc::deferred_free::Deferred,
}

impl Module for Kalloc {
    fn init(
        _module: &'static kernel::ThisModule,
        _task: &mut context::TaskCx,
    ) -> kernel::error::Result<Self> {
        let deferred = alloc::deferred_free::Deferred::create()?;
        Ok(Kalloc {
            _callback_wq: entry::callbacks::CallbackWq::create()?,
            _deferred: deferred,
        })
    }
}

use crate as kalloc;

kalloc::module! {
    type: Kalloc,
    name: "kalloc",
    authors: ["The kalloc authors"],
    description: "Memory allocation in types that turn sleeping in atomic context, wrong GFP flags and lost frees into compile errors",
    license: "GPL",
}
