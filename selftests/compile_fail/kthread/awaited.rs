// SPDX-License-Identifier: GPL-2.0

//! A token held across an `await`, which may go on in another thread.

use kalloc::prelude::*;

pub async fn other() {}

pub async fn misuse(task: TaskCx) {
    other().await;
    drop(KBox::new(&task, 1u32));
}

fn spawn(_future: impl core::future::Future<Output = ()> + Send + 'static) {}

pub fn start(task: TaskCx) {
    spawn(misuse(task)); //~ ERROR: future cannot be sent between threads safely
}
