// SPDX-License-Identifier: GPL-2.0

//! A token from nowhere.

use kalloc::{context::Task, prelude::KBox};

pub fn escape() {
    let task = Task(core::marker::PhantomData); //~ ERROR: private
    let _ = KBox::new(&task, 1u32);
}
