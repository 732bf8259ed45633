// SPDX-License-Identifier: GPL-2.0

//! Atomic context: GFP_ATOMIC with a spinlock held, and what to do when it fails.
//!
//! Events are queued from code that must not sleep. Where there is no memory the event comes back
//! with the error and goes into an element of a reserve, made beforehand; where that is used up too
//! the loss is counted.

use kalloc::{
    mempool::{Mempool, MempoolBox},
    prelude::*,
};
use kernel::{new_spinlock, sync::SpinLock};

struct Event {
    number: u32,
    data: [u8; 60],
}

/// Where an event lives.
enum Place {
    Memory(KBox<Event>),
    Reserve(MempoolBox<Event, Reserve>),
}

impl Place {
    fn event(&self) -> &Event {
        match self {
            Place::Memory(event) => event,
            Place::Reserve(event) => event,
        }
    }
}

/// Room for the events that are waiting, so that nothing grows with the lock held.
#[derive(Default)]
struct Queue {
    waiting: [Option<Place>; 8],
    lost: u32,
}

impl Queue {
    /// In whatever context has allocators and must not sleep: the caller's `cx` says which.
    fn add<C: MayAlloc<Flags = GfpAtomic>>(&mut self, cx: &C, event: Event) {
        let place = match KBox::new(cx, event) {
            Ok(event) => Some(Place::Memory(event)),
            // The fallback. `failed.value` is the event.
            Err(failed) => MempoolBox::preallocated(cx, Reserve, failed.value)
                .ok()
                .map(Place::Reserve),
        };
        match (self.waiting.iter_mut().find(|place| place.is_none()), place) {
            (Some(free), Some(place)) => *free = Some(place),
            _ => self.lost += 1,
        }
    }
}

struct Driver {
    queue: Pin<KBox<SpinLock<Queue>>>,
}

impl kalloc::Module for Driver {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        let queue = KBox::pin_init(&task, new_spinlock!(Queue::default()))?;
        for number in 0..10 {
            task.locked(&queue, |queue, cx| {
                // `task` cannot be used here, and `cx` has no flags that sleep.
                queue.add(
                    cx,
                    Event {
                        number,
                        data: [0; 60],
                    },
                )
            });
        }
        Ok(Driver { queue })
    }

    fn exit(self, task: &mut TaskCx) {
        // Taken out with the lock held, and freed behind it.
        let queue = task.locked(&self.queue, |queue, _cx| core::mem::take(queue));
        for event in queue.waiting.iter().flatten().map(Place::event) {
            pr_info!("event {}, {} bytes\n", event.number, event.data.len());
        }
        pr_info!("{} lost\n", queue.lost);
    }
}

kalloc::module! {
    type: Driver,
    pools: {
        /// For when GFP_ATOMIC fails.
        static Reserve: Mempool<Event> = 4;
    },
    name: "kalloc_atomic",
    authors: ["The kalloc authors"],
    description: "kalloc sample: GFP_ATOMIC with a fallback",
    license: "GPL",
}
