// SPDX-License-Identifier: GPL-2.0

//! The masks are set when interrupt handlers run, which may allocate by the kernel crate.

use kalloc::dma::DmaDevice;
use kalloc::{driver::BoundScope, irq, platform, prelude::*};
use kernel::device::{Bound, Core, Device};

pub struct Card<'bound> {
    pub dev: &'bound Device<Bound>,
}

impl irq::Handler for Card<'_> {
    fn handle(&self, _cx: &mut IrqCx<'_>) -> irq::IrqReturn {
        let _ = kernel::dma::Coherent::<u32>::zeroed(self.dev, kernel::alloc::flags::GFP_ATOMIC);
        irq::IrqReturn::Handled
    }
}

pub struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Card<'bound>;

    fn probe<'bound>(
        pdev: &'bound kernel::platform::Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        _task: &mut TaskCx,
    ) -> impl PinInit<Card<'bound>, Error> {
        let dev: &'bound Device<Core<'_>> = pdev.as_ref();
        Ok::<_, Error>(Card { dev })
    }

    fn start<'d, 'bound>(
        pdev: &'bound kernel::platform::Device<Bound>,
        this: Pin<&'d Card<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        binding.request_irq(&task, pdev.irq_by_index(0)?, irq::Flags::new(), c"x", this.get_ref())?;
        let _ = DmaDevice::set_mask_and_coherent::<32, _>(&task, pdev)?; //~ ERROR: is not satisfied
        Ok(())
    }
}
