// SPDX-License-Identifier: GPL-2.0

//! The memory-allocation APIs of the Linux kernel, in types that cannot be misused.
//!
//! Every allocating function takes a [grant](gfp): flags, as a type, that the [context] of
//! the caller permits. Code in an atomic context cannot name a grant that sleeps. A token of the
//! context comes from the kernel's entry into the driver, here a module's init:
//!
//! ```
//! use kalloc::prelude::*;
//! use kernel::{new_spinlock, sync::SpinLock};
//!
//! fn example(task: &mut Task, lock: &SpinLock<u32>) -> Result {
//!     let _sleeps = KBox::new(&task, 1u32)?; // GFP_KERNEL
//!     task.locked(lock, |data, cx| -> Result {
//!         let _does_not = KBox::new(&cx, *data)?; // GFP_ATOMIC
//!         Ok(())
//!     })
//! }
//! ```

pub mod allocator;
pub mod boxed;
#[cfg(CONFIG_PREEMPT_COUNT)]
pub mod checked;
pub mod context;
mod dead;
pub mod devm;
pub mod dma;
pub mod driver;
pub mod gfp;
pub mod hrtimer;
pub mod in_flight;
pub mod irq;
pub mod irq_work;
pub mod kmalloc;
pub mod kthread;
pub mod kvmalloc;
pub mod mempool;
pub mod miscdevice;
mod module;
#[cfg(CONFIG_X86)]
pub mod nmi;
pub mod node;
pub mod nolock;
pub mod objpool;
pub mod owner;
pub mod page;
#[cfg(CONFIG_PCI)]
pub mod pci;
pub mod percpu;
pub mod platform;
pub mod prelude;
pub mod projection;
pub mod rcu;
#[doc(hidden)]
pub mod reap;
pub mod scope;
pub mod size;
pub mod slab;
pub mod sync;
pub mod timer;
pub mod upstream;
pub mod vec;
pub mod vmalloc;
pub mod work;

pub use module::{InPlaceModule, Module};

/// What the exported macros name, and nobody else.
///
/// A driver can call a crate of its own `kernel` or `core`, so the macros name these here.
#[doc(hidden)]
pub mod __macro {
    pub use crate::{
        context::{nmi_safe, NmiSafe, Task},
        module::{Root, Spec},
        owner::{pool, ForModule, Place, PlaceRef, StaticPool},
        projection::{exact, Exact, Field},
        slab::name,
        sync::{enter, Slot},
        work::{BhWork, DelayedWork, HasDelayedWork, HasWork, Work},
    };
    pub use ::core;

    /// One by one: the whole of it would make the compiler name the kernel crate's types after this.
    pub mod kernel {
        pub use ::kernel::{
            c_str, error, optional_name, prelude::module, static_lock_class, Module,
            ModuleMetadata, ThisModule,
        };
    }
}

/// The module that holds this crate. On unload it waits for what was deferred, first what drops
/// values of drivers, then what frees memory.
struct Kalloc {
    _reaper: reap::Reaper,
    _deferred: dead::Deferred,
}

impl Module for Kalloc {
    fn init(
        _module: &'static kernel::ThisModule,
        _task: context::Task,
    ) -> kernel::error::Result<Self> {
        let deferred = dead::Deferred::create()?;
        Ok(Kalloc {
            _reaper: reap::Reaper::create()?,
            _deferred: deferred,
        })
    }
}

use crate as kalloc;

kalloc::module! {
    type: Kalloc,
    name: "kalloc",
    authors: ["The kalloc authors"],
    description: "Memory allocation in types that cannot be misused",
    license: "GPL",
}
