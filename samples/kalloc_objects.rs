// SPDX-License-Identifier: GPL-2.0

//! Many identical objects: a slab cache of the module, made before its init and destroyed after its
//! exit.
//!
//! In C: `KMEM_CACHE(request, SLAB_HWCACHE_ALIGN)`, `kmem_cache_alloc()`, `kmem_cache_free()`,
//! `kmem_cache_destroy()`.

use kalloc::{
    prelude::*,
    slab::{Args, Cache, SlabBox, SlabBulk},
};
use kernel::{new_spinlock, sync::SpinLock};

struct Request {
    sector: u64,
    next: Option<Owned>,
}

/// A pointer of 8 bytes, since everybody knows the cache: `Requests`.
type Owned = SlabBox<Request, Requests>;

/// The last one that came is the first.
#[derive(Default)]
struct Stack(Option<Owned>);

impl Stack {
    fn push(&mut self, mut request: Owned) {
        request.next = self.0.take();
        self.0 = Some(request);
    }

    fn pop(&mut self) -> Option<Owned> {
        let mut first = self.0.take()?;
        self.0 = first.next.take();
        Some(first)
    }
}

impl Drop for Stack {
    /// One by one: the stack of the kernel is small.
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

struct Driver {
    stack: Pin<KBox<SpinLock<Stack>>>,
}

impl kalloc::Module for Driver {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        let stack = KBox::pin_init(&task, new_spinlock!(Stack::default()))?;
        for sector in 0..1000 {
            task.locked(&stack, |stack, cx| -> Result {
                stack.push(SlabBox::new(&cx, Requests, Request { sector, next: None })?);
                Ok(())
            })?;
        }
        // Several at once cost less each.
        let more = SlabBulk::<_, 16, _>::from_fn(&task, Requests, |index| Request {
            sector: 1000 + index as u64,
            next: None,
        })?;
        task.locked(&stack, |stack, _cx| {
            more.into_boxes()
                .into_iter()
                .for_each(|request| stack.push(request))
        });
        Ok(Driver { stack })
    }

    fn exit(self, task: &mut TaskCx) {
        let last = task.locked(&self.stack, |stack, _cx| stack.pop());
        if let Some(request) = last {
            pr_info!(
                "the last of the requests is for sector {}, {} bytes each\n",
                request.sector,
                Requests.get().object_size()
            );
        }
    }
}

kalloc::module! {
    type: Driver,
    pools: {
        /// `/sys/kernel/slab/kalloc_requests` shows it, unless it is merged with another.
        static Requests: Cache<Request> = Args::new(c"kalloc_requests").hwcache_align();
    },
    name: "kalloc_objects",
    authors: ["The kalloc authors"],
    description: "kalloc sample: a slab cache",
    license: "GPL",
}
