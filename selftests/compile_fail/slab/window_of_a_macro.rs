// SPDX-License-Identifier: GPL-2.0

//! A type that contains a macro could be one type for the offset of the window, and another one for the
//! field.

use kalloc::slab::Args;

pub struct Message<const N: usize> {
    pub before: [u64; N],
    pub text: [u8; 16],
}

pub const ARGS: Args<'_, Message<1>> = Args::new(c"message").usercopy(kalloc::usercopy!(
    //~^ ERROR: `field!` takes a struct by its name
    Message<{ include_bytes!("/proc/sys/kernel/random/uuid")[0] as usize % 2 }>,
    text
));
