// SPDX-License-Identifier: GPL-2.0

//! A usercopy window that is no field: the key before the text.

use kalloc::{__macro::{exact, Field}, slab::Args};

pub struct Message {
    pub key: [u8; 32],
    pub text: [u8; 8],
}

pub fn args() -> Args<'static, Message> {
    let window = Field::<Message, [u8; 40]>::new(0, |_| { //~ ERROR: call to unsafe function
        exact(&[0; 40])
    });
    Args::new(c"message").usercopy(window)
}
