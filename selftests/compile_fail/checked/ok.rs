// SPDX-License-Identifier: GPL-2.0

//! What the other programs here do wrong, done right.

//@check-pass

use kalloc::{checked::Checked, prelude::*};

pub fn boxes() -> Result {
    KBox::new(Checked, 1u32)?;
    KBox::<[u8]>::zeroed_slice(Checked.with(GFP_KERNEL.account()), 100)?;
    VBox::<[u8; 100]>::zeroed(Checked.with(GFP_USER))?;
    KVBox::<[u8; 100]>::new_uninit(Checked.with(GFP_NOFS.nowarn()))?;
    Ok(())
}
