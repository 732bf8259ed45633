// SPDX-License-Identifier: GPL-2.0

//! A token from nowhere.

use kalloc::{context::TaskCx, prelude::KBox};

pub fn escape() {
    let task = TaskCx(core::marker::PhantomData); //~ ERROR: private
    let _ = KBox::new(&task, 1u32);
}
