// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use core::mem::MaybeUninit;
use kalloc::{
    page::{alloc_bulk, Compound, High, Low, MAX_ORDER},
    prelude::*,
};

pub fn orders(task: &TaskCx, order: u32) -> Result {
    Pages::new_uninit(task, Order::<MAX_ORDER>)?;
    FreePages::zeroed(task, Order::<MAX_ORDER>)?;
    Pages::zeroed(task, AnyOrder::new(order)?)?;
    Ok(())
}

pub fn nofail(task: &TaskCx) -> (Pages, FreePages<Order<1>>) {
    let Ok(page) = Pages::zeroed(task.with(GFP_KERNEL.nofail()), Order::<0>);
    let Ok(two) = FreePages::zeroed(task.with(GFP_KERNEL.nofail()), Order::<1>);
    (page, two)
}

pub fn addresses(task: &TaskCx) -> Result {
    let mut low = Pages::zeroed(task, Order::<1>)?;
    low.page_address_mut()[0] = 1;
    let compound: Pages<_, u8, Compound<Low>> = Pages::zeroed(task.with(GFP_KERNEL.comp()), Order::<1>)?;
    let _first = compound.page_address()[0];
    Ok(())
}

pub fn mapped(task: &mut TaskCx) -> Result {
    let high: Pages<_, u8, High> = Pages::zeroed(task.with(GFP_HIGHUSER), Order::<0>)?;
    let _first = high.map_local(task, 0, |bytes, _task| bytes[0])?;
    high.map_local(task, 0, |one, task| high.map_local(task, 0, |two, _task| one[0] == two[0]))??;
    Ok(())
}

pub fn in_a_section(task: &mut TaskCx, high: &Pages<Order<0>, u8, High>) -> Result<u8> {
    task.irqs_off(|cx| high.map_local(cx, 0, |bytes, _cx| bytes[0]))
}

pub fn exact(task: &TaskCx) -> Result<ExactPages> {
    Ok(ExactPages::zeroed(task.with(GFP_KERNEL.dma32().account()), 12345)?)
}

pub fn bulk(task: &TaskCx, pages: &mut [Option<Pages<Order<0>, MaybeUninit<u8>>>]) -> usize {
    alloc_bulk(task.with(GFP_NOWAIT), pages)
}

pub fn split(task: &TaskCx) -> Result<usize> {
    Ok(Pages::zeroed(task.with(GFP_KERNEL.account()), Order::<3>)?.split().len())
}

pub fn initialised(task: &TaskCx) -> Result<u8> {
    Ok(Pages::new_uninit(task, Order::<0>)?.memset(7).page_address()[0])
}

pub fn atomic(cx: &AtomicCx<'_>) -> Result<Pages> {
    Ok(Pages::zeroed(cx, Order::<0>)?)
}

pub fn kernel_page(task: &TaskCx) -> Result<kernel::page::Page> {
    Ok(Pages::zeroed(task, Order::<0>)?.into())
}

pub fn helper<C: MaySleep>(cx: &C) -> Result<(Pages, FreePages, ExactPages)> {
    Ok((Pages::zeroed(cx, Order)?, FreePages::zeroed(cx, Order)?, ExactPages::zeroed(cx, 1)?))
}
