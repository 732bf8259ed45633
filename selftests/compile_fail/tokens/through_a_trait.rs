// SPDX-License-Identifier: GPL-2.0

//! The token of a section, out of it through a trait object.

use core::any::Any;
use kalloc::prelude::*;

fn keep<'k>(kept: &mut Option<&'k dyn Any>, value: &'k dyn Any) {
    *kept = Some(value);
}

pub fn escape(task: &mut TaskCx) {
    let mut kept = None;
    //~vv ERROR: escapes
    //~v ERROR: lifetime may not live long enough
    task.rcu_read(|_guard, cx| keep(&mut kept, cx));
}
