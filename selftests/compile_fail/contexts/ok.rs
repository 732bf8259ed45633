// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::prelude::*;

pub fn task(task: &TaskCx) -> Result {
    KBox::new(task, 1u32)?;
    KBox::new(task.with(GFP_KERNEL), 1u32)?;
    KBox::new(task.with(GFP_ATOMIC), 1u32)?;
    Ok(())
}

pub fn nofs(cx: &NoFsCx<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GFP_NOFS.account()), 1u32)?;
    KBox::new(cx.with(GFP_NOIO), 1u32)?;
    Ok(())
}

pub fn noio(cx: &NoIoCx<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GFP_NOIO), 1u32)?;
    Ok(())
}

pub fn atomic(cx: &AtomicCx<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GFP_NOWAIT), 1u32)?;
    Ok(())
}

pub fn bh(cx: &mut BhCx<'_>) -> Result {
    KBox::new(&cx, 1u32)?;
    KBox::new(cx.with(GFP_NOWAIT), 1u32)?;
    Ok(())
}

pub fn bh_off(task: &mut TaskCx) -> Result {
    task.bh_off(bh)?;
    task.bh_off(|cx| cx.bh_off(bh))?;
    bh(&mut task.as_bh())
}

pub fn irq(cx: &IrqCx<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GFP_NOWAIT), 1u32)?;
    Ok(())
}

#[cfg(not(CONFIG_PREEMPT_RT))]
pub fn raw(cx: &RawCx<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GFP_NORECLAIM), 1u32)?;
    Ok(())
}

pub fn nmi(_cx: &NmiCx<'_>, before: &mut KBox<u32>) {
    **before += 1;
}

pub fn helper<C: MaySleep>(cx: &C) -> Result<KBox<u32>> {
    Ok(KBox::new(cx, 1)?)
}

pub fn helped(task: &TaskCx, nofs: &NoFsCx<'_>) -> Result {
    helper(task)?;
    helper(nofs)?;
    Ok(())
}
