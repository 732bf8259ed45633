// SPDX-License-Identifier: GPL-2.0

//! Memory where no allocator works: in NMI handlers, and on PREEMPT_RT with interrupts or preemption
//! disabled. Objects are made beforehand and taken from a pool without a lock.

use kalloc::{objpool::PoolBox, prelude::*};

/// What an NMI handler may have: numbers, and no memory that would have to be freed.
#[derive(Clone, Copy, Default)]
struct Sample {
    number: u32,
    values: [u64; 6],
}

type DropOrLeak<'a> = PoolBox<Sample, &'a ObjPool<Sample>>;

/// Takes a sample, in every context: `_cx` may be `&mut NmiCx<'_>`. Without a free object there is
/// none, which is the only way to fail.
fn sample<'a, C: Context>(
    _cx: &mut C,
    pool: &'a ObjPool<Sample>,
    number: u32,
) -> Option<DropOrLeak<'a>> {
    let mut sample = pool.pop()?;
    // It holds what its last user left.
    *sample = Sample {
        number,
        values: [u64::from(number); 6],
    };
    Some(sample)
}

struct Driver {
    pool: ObjPool<Sample>,
}

impl kalloc::Module for Driver {
    fn init(_module: &'static ThisModule, task: &mut TaskCx) -> Result<Self> {
        let pool = ObjPool::new(&task, 4, |_| Sample::default())?;

        // Interrupts are off, on PREEMPT_RT too. There `KBox::new(&cx, …)` does not compile.
        let (samples, missed) = task.irqs_off(|cx| {
            let samples = [1, 2, 3, 4].map(|number| sample(cx, &pool, number));
            let missed = sample(cx, &pool, 5).is_none();
            (samples, missed)
        });
        let sum: u64 = samples
            .iter()
            .flatten()
            .map(|sample| sample.values[0])
            .sum();
        let last = samples.iter().flatten().map(|sample| sample.number).max();
        pr_info!(
            "samples up to {:?}, sum {}, one missed: {}\n",
            last,
            sum,
            missed
        );

        // Back to the pool, in whatever context.
        task.preempt_off(|_cx| drop(samples));
        Ok(Driver { pool })
    }

    fn exit(self, _task: &mut TaskCx) {
        pr_info!("{} objects were made\n", self.pool.capacity());
    }
}

kalloc::module! {
    type: Driver,
    name: "kalloc_pool",
    authors: ["The kalloc authors"],
    description: "kalloc sample: a preallocated pool",
    license: "GPL",
}
