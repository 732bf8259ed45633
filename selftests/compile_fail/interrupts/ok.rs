// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    driver::BoundScope,
    hrtimer::{self, Expired, HrTimer, HrTimerRestart, Mode, RelativeHardMode, RelativeMode},
    irq,
    irq_work::{IrqWork, Run},
    nmi, nmi_safe,
    prelude::*,
    timer::{Expire, Timer},
};
use kernel::{
    sync::Arc,
    time::{Jiffies, Monotonic},
};

pub struct Card;

impl irq::Handler for Card {
    fn handle(&self, cx: &mut IrqCx<'_>) -> irq::IrqReturn {
        let _memory = KBox::new(&cx, 7u32);
        irq::IrqReturn::Handled
    }
}

impl irq::Handler<irq::Hard> for Card {
    fn handle(&self, cx: &mut RawCx<'_>) -> irq::IrqReturn {
        let _memory = NolockBox::new(&cx, 7u32);
        irq::IrqReturn::Handled
    }
}

impl irq::ThreadedHandler<irq::Hard> for Card {
    fn handle_threaded(&self, task: &mut TaskCx) -> irq::IrqReturn {
        let _memory = KBox::new(&task, 7u32);
        irq::IrqReturn::Handled
    }
}

pub fn request<'d>(
    card: &'d Card,
    line: impl Fn() -> irq::IrqRequest<'d>,
    binding: &mut BoundScope<'d>,
    task: &mut TaskCx,
) -> Result {
    let flags = irq::Flags::new().shared();
    binding.request_irq(&task, line(), flags, c"card", card)?;
    binding.request_irq(&task, line(), flags.no_thread(), c"card", card)?;
    binding.request_threaded_irq(&task, line(), flags.oneshot().rising(), c"card", card)
}

pub struct Watchdog(Option<Arc<Timer<Watchdog>>>);

impl Expire for Watchdog {
    fn expired(&self, cx: &mut BhCx<'_>) -> Option<Jiffies> {
        if let Some(other) = &self.0 {
            other.cancel();
        }
        KBox::new(&cx, 7u32).ok().map(|delay| *delay as Jiffies)
    }
}

pub struct Sampler;

impl hrtimer::Expire<RelativeMode<Monotonic>> for Sampler {
    fn expired(
        &self,
        _timer: &mut Expired<'_, Self, RelativeMode<Monotonic>>,
        cx: &mut IrqCx<'_>,
    ) -> HrTimerRestart {
        let _memory = KBox::new(&cx, 7u32);
        HrTimerRestart::NoRestart
    }
}

impl hrtimer::Expire<RelativeHardMode<Monotonic>> for Sampler {
    fn expired(
        &self,
        _timer: &mut Expired<'_, Self, RelativeHardMode<Monotonic>>,
        cx: &mut RawCx<'_>,
    ) -> HrTimerRestart {
        let _memory = NolockBox::new(&cx, 7u32);
        HrTimerRestart::NoRestart
    }
}

pub struct Report;

impl Run for Report {
    fn run(&self, cx: &mut IrqCx<'_>) {
        let _memory = KBox::new(&cx, 7u32);
    }
}

nmi_safe! {
    pub struct Count {
        count: AtomicU32,
        work: IrqWork<Report>,
    }
}

impl nmi::Handler for Count {
    fn handle(&self, _cx: &mut NmiCx<'_>) -> bool {
        self.count.fetch_add(1, Relaxed);
        self.work.queue()
    }
}

pub fn all_end<T: hrtimer::Expire<M>, M: Mode>(
    watchdog: Timer<Watchdog>,
    timer: HrTimer<T, M>,
    work: IrqWork<Report>,
    handler: nmi::Registration<Count>,
    task: &mut TaskCx,
) {
    watchdog.cancel_sync(&task);
    watchdog.free(&task);
    timer.free(&task);
    handler.free(&task);
    // A drop waits for nothing.
    drop(task.irqs_off(|_cx| work));
}
