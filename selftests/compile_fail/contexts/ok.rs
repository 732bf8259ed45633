// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::prelude::*;

pub fn task(task: &Task) -> Result {
    KBox::new(task, 1u32)?;
    KBox::new(task.with(Kernel), 1u32)?;
    KBox::new(task.with(GfpAtomic), 1u32)?;
    Ok(())
}

pub fn nofs(cx: &NoFs<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GfpNoFs.account()), 1u32)?;
    KBox::new(cx.with(GfpNoIo), 1u32)?;
    Ok(())
}

pub fn noio(cx: &NoIo<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GfpNoIo), 1u32)?;
    Ok(())
}

pub fn atomic(cx: &Atomic<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GfpNowait), 1u32)?;
    Ok(())
}

pub fn bh(cx: &mut Bh<'_>) -> Result {
    KBox::new(&cx, 1u32)?;
    KBox::new(cx.with(GfpNowait), 1u32)?;
    Ok(())
}

pub fn bh_off(task: &mut Task) -> Result {
    task.bh_off(bh)?;
    task.bh_off(|cx| cx.bh_off(bh))?;
    bh(&mut task.as_bh())
}

pub fn irq(cx: &Irq<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(GfpNowait), 1u32)?;
    Ok(())
}

#[cfg(not(CONFIG_PREEMPT_RT))]
pub fn raw(cx: &Raw<'_>) -> Result {
    KBox::new(cx, 1u32)?;
    KBox::new(cx.with(NoReclaim), 1u32)?;
    Ok(())
}

pub fn nmi(_cx: &Nmi<'_>, before: &mut KBox<u32>) {
    **before += 1;
}

pub fn helper<C: Sleep>(cx: &C) -> Result<KBox<u32>> {
    Ok(KBox::new(cx, 1)?)
}

pub fn helped(task: &Task, nofs: &NoFs<'_>) -> Result {
    helper(task)?;
    helper(nofs)?;
    Ok(())
}
